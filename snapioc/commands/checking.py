"""What `snapioc check` finds, and how it is said; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snapioc.model import ChannelStates, Flag, Mode, PvSet, Readings, Reason

_INDENT = "    "

NAMED = 10
"""PVs that are named of those that the same sets share; `--json` names all."""


@dataclass(frozen=True, slots=True)
class SetFindings:
    """What a look at the machine says of one set; everything but `long_texts` is a fault."""

    missing: tuple[tuple[str, str], ...]
    """PV and reason of each PV that could not be read."""
    cut_texts: tuple[str, ...]
    """Texts that can only be read cut, so that they are never restored."""
    not_writable: tuple[str, ...]
    """Members that a restore would write, but must not: their mode should be RO."""
    long_texts: tuple[str, ...]
    """Texts that a plain read would cut, and that are read whole."""

    @property
    def sound(self) -> bool:
        """True if nothing is missing or wrong."""
        return not (self.missing or self.cut_texts or self.not_writable)


def examine(pv_set: PvSet, states: ChannelStates, readings: Readings) -> SetFindings:
    """What is to be said of the set; states and readings have a row for each of `pv_set.pvs`."""
    rows = np.flatnonzero(~readings.ok).tolist()
    protected = states.connected & ~states.writable
    read_write = [row for row, member in enumerate(pv_set.members) if member.mode is Mode.READ_WRITE]
    return SetFindings(
        missing=tuple((pv_set.pvs[row], Reason(readings.reason[row]).text) for row in rows),
        cut_texts=_flagged(pv_set, readings, Flag.CUT),
        not_writable=tuple(pv_set.pvs[row] for row in read_write if protected[row]),
        long_texts=_flagged(pv_set, readings, Flag.LONG),
    )


def in_several_sets(sets: Sequence[PvSet]) -> dict[str, list[str]]:
    """The PVs that more than one set saves, with the names of these sets."""
    places: dict[str, list[str]] = {}
    for pv_set in sets:
        for pv in pv_set.pvs:
            places.setdefault(pv, []).append(pv_set.name)
    return {pv: names for pv, names in places.items() if len(names) > 1}


def set_lines(pv_set: PvSet, found: SetFindings | None) -> list[str]:
    """The findings for people; None: the machine was not asked."""
    size = f"{pv_set.name}: {len(pv_set.members)} members, {len(pv_set.pvs)} PVs with their readbacks"
    if found is None:
        return [size]
    lines = [f"{size}, {len(pv_set.pvs) - len(found.missing)} read"]
    lines += _group("missing", [f"{pv}\t{why}" for pv, why in found.missing])
    lines += _group("text that can only be read cut, and so is never restored", found.cut_texts)
    lines += _group("no write access, but not mode RO", found.not_writable)
    lines += _group("text that a plain read would cut (read whole)", found.long_texts)
    return lines


def shared_lines(shared: dict[str, list[str]]) -> list[str]:
    """The PVs in several sets for people."""
    what = "in more than one set: no two of these sets can be restored at the same time"
    return [f"  {what} ({len(shared)}):", *(_INDENT + line for line in _named(shared))] if shared else []


def set_json(pv_set: PvSet, found: SetFindings | None) -> dict[str, object]:
    """The findings for programs; without them only the sizes."""
    content: dict[str, object] = {"name": pv_set.name, "members": len(pv_set.members), "pvs": len(pv_set.pvs)}
    if found is not None:
        content |= {
            "missing": [{"pv": pv, "reason": why} for pv, why in found.missing],
            "cut_texts": list(found.cut_texts),
            "not_writable": list(found.not_writable),
            "long_texts": list(found.long_texts),
        }
    return content


def _flagged(pv_set: PvSet, readings: Readings, flag: Flag) -> tuple[str, ...]:
    rows = np.flatnonzero(readings.ok & ((readings.flags & flag) != 0)).tolist()
    return tuple(pv_set.pvs[row] for row in rows)


def _named(shared: dict[str, list[str]]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for pv, names in shared.items():
        groups.setdefault(", ".join(names), []).append(pv)
    more = {sets: f", ... ({len(pvs)})" if len(pvs) > NAMED else "" for sets, pvs in groups.items()}
    return [f"{', '.join(pvs[:NAMED])}{more[sets]}\t{sets}" for sets, pvs in groups.items()]


def _group(what: str, entries: Sequence[str]) -> list[str]:
    return [f"  {what} ({len(entries)}):", *(_INDENT + entry for entry in entries)] if entries else []
