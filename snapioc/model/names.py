"""PV names: what may be one, how globs choose among them, and how the whole of a text is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate

MAX_PV_NAME = 500
"""Bytes of the longest PV name we accept; EPICS itself stops at 60 characters of record name, plus a field and filter."""

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


def parse_filter(text: str) -> tuple[list[str], list[str]]:
    """The globs of a FILTER text as (wanted, unwanted); `!glob` excludes, blanks around a glob do not count."""
    globs = [glob.strip() for glob in text.split(",") if glob.strip()]
    return [g for g in globs if not g.startswith("!")], [g[1:].strip() for g in globs if g.startswith("!")]


def matches(pvs: Sequence[str], text: str) -> list[bool]:
    """For each PV whether the FILTER `text` chooses it; an empty text, or one of exclusions only, starts from all."""
    if not text:
        return [True] * len(pvs)
    wanted, unwanted = (re.compile("|".join(translate(g) for g in globs)) if globs else None for globs in parse_filter(text))
    return [(wanted is None or bool(wanted.match(pv))) and not (unwanted and unwanted.match(pv)) for pv in pvs]
