"""Which members of a snapshot a restore is to write, and why not the others. Pure, so that it can be shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .dbr import Flag, Reason, Severity
from .names import matches
from .pvset import Member, Mode, OnInvalid, PvSet
from .readings import Readings


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The members that a restore is to write, as rows of the snapshot, and those that its rules leave out."""

    rows: NDArray[np.intp]
    left_out: tuple[tuple[int, str], ...] = ()
    """Row and reason of each member that the filter chose but that is not to be written."""

    @property
    def matched(self) -> int:
        """How many members the filter chose."""
        return len(self.rows) + len(self.left_out)


def select(
    pv_set: PvSet, stored: Readings, filter_text: str, now: PvSet | None = None, *, way_back: bool = False
) -> Selection:
    """Choose the members to write: those the filter matches, less what must not be written back.

    `now` is the set as it is configured now, if that is another version: what it calls read-only is not written either.
    `way_back`: the snapshot holds the values before a restore, and to go back is to write them whatever their severity.
    """
    members = pv_set.members
    chosen = np.array(matches(pv_set.pvs[: len(members)], filter_text), bool)
    chosen &= stored.reason[: len(members)] != Reason.NOT_ASKED  # a snapshot of a restore is of those that it wrote
    odd = ~stored.ok | (stored.severity == Severity.INVALID) | (stored.flags & Flag.CUT != 0)
    closed = _closed(pv_set, now) if now else np.zeros(len(members), bool)
    # Few rows are anything but whole, valid and writable; only they are looked at one by one.
    asked = np.flatnonzero(chosen & (odd[: len(members)] | pv_set.read_only | closed)).tolist()
    rules = {row: why_not_written(members[row], stored, row, way_back=way_back) for row in asked}
    rules |= {row: "read-only in the set's list of now" for row in asked if closed[row] and not rules[row]}
    left_out = tuple((row, why) for row, why in rules.items() if why)
    chosen[[row for row, _ in left_out]] = False
    return Selection(np.flatnonzero(chosen), left_out)


def _closed(pv_set: PvSet, now: PvSet) -> NDArray[np.bool_]:
    """For each member whether another version of the set, which may write its name in another way, calls it read-only."""
    read_only = {now.canonical[row] for row in np.flatnonzero(now.read_only).tolist()}
    names = pv_set.canonical[: len(pv_set.members)]
    return np.fromiter((name in read_only for name in names), bool, len(names)) if read_only else np.zeros(len(names), bool)


def select_all(stored: Readings) -> Selection:
    """Choose all that was read, whatever its severity: to take back a restore is to put back what was there."""
    return Selection(np.flatnonzero(stored.ok & (stored.flags & Flag.CUT == 0)))


def why_not_written(member: Member, stored: Readings, row: int, *, way_back: bool = False) -> str | None:
    """The rule by which a restore leaves this member alone, None if it is written (pv-contract, "Restore").

    The values before a restore are written also if they were INVALID then: that snapshot is the way back, as UNDO is.
    """
    if member.mode is Mode.READ_ONLY:
        return "read-only member"
    if stored.reason[row] != Reason.OK:
        return f"missing in the snapshot: {Reason(stored.reason[row]).text}"
    if stored.severity[row] == Severity.INVALID and member.invalid is OnInvalid.SKIP and not way_back:
        return "stored with INVALID severity"
    if stored.flags[row] & Flag.CUT:
        return "its text was cut when it was read"
    return None
