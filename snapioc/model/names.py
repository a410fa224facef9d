"""PV names: what may be one, how globs choose among them, and how the whole of a text is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import translate

MAX_PV_NAME = 500
"""Bytes of the longest PV name we accept; EPICS itself stops at 60 characters of record name, plus a field and filter."""

_WILDCARD = re.compile(r"[*?[]")
_BAD_CHARACTER = re.compile(r"[\s\x00-\x1f\x7f\"'#,$]")


def name_fault(pv: str) -> str | None:
    """Why `pv` cannot be a PV name, None if it can."""
    if pv in ("", "$"):
        return "the PV name is empty"
    if len(pv.encode()) > MAX_PV_NAME:
        return f"the PV name has more than {MAX_PV_NAME} bytes"
    bare = pv[:-1] if pv.endswith("$") else pv
    bad = _BAD_CHARACTER.search(bare)
    return f"{bad.group()!r} cannot stand in a PV name" if bad else None


def long_text_name(pv: str) -> str:
    """The channel on which an IOC serves the whole of a text field as DBR_CHAR: `NAME.FIELD$`."""
    if pv.endswith("$"):
        return pv
    return f"{pv}$" if "." in pv else f"{pv}.VAL$"


def canonical_name(pv: str) -> str:
    """The same name for all ways to write one field of a record: `X`, `X.VAL`, `X.VAL$` and `X.` are one PV."""
    bare = pv.removesuffix("$")
    return bare.removesuffix(".VAL").removesuffix(".")


def spellings(pv: str) -> list[str]:
    """All names with the canonical name of this one, itself first."""
    bare = canonical_name(pv)
    return list(dict.fromkeys([pv, *(bare + end for end in ("", ".VAL", "$", ".VAL$", ".", ".$"))]))


def matches(pvs: Sequence[str], text: str) -> list[bool]:
    """For each PV whether the FILTER `text` chooses it; an empty text, or one of exclusions only, starts from all.

    A part that is the name of one of the PVs is that PV, all others are globs: PV names may have `[` in them.
    """
    if not text:
        return [True] * len(pvs)
    known = frozenset(pvs)
    wanted, unwanted = (_Parts.of(parts, known) if parts else None for parts in _split(text))
    return [(wanted is None or wanted.have(pv)) and not (unwanted and unwanted.have(pv)) for pv in pvs]


def filter_fault(pvs: Sequence[str], text: str) -> str | None:
    """Why a FILTER cannot mean what it says, None if it can: a typo in an exclusion would restore what was not to be."""
    if not text:
        return None
    wanted, unwanted = _split(text)
    if not wanted and not unwanted:
        return "it names no PV"
    if "" in unwanted:
        return "its part '!' excludes nothing"
    known = frozenset(pvs)
    idle = (part for part in unwanted if part not in known and not any(map(re.compile(translate(part)).match, pvs)))
    first = next(idle, None)
    return None if first is None else f"its part '!{first}' excludes no PV"


def _split(text: str) -> tuple[list[str], list[str]]:
    """The parts of a FILTER text as (wanted, unwanted); `!` excludes, blanks around a part do not count."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [p for p in parts if not p.startswith("!")], [p[1:].strip() for p in parts if p.startswith("!")]


@dataclass(frozen=True, slots=True)
class _Parts:
    """Names and globs. Names are looked up: a pattern of thousands of them would be tried one after the other."""

    names: frozenset[str]
    globs: re.Pattern[str] | None

    @classmethod
    def of(cls, parts: Sequence[str], known: frozenset[str]) -> _Parts:
        globs = [part for part in parts if part not in known and _WILDCARD.search(part)]
        return cls(known.intersection(parts), re.compile("|".join(map(translate, globs))) if globs else None)

    def have(self, pv: str) -> bool:
        return pv in self.names or (self.globs is not None and self.globs.match(pv) is not None)
