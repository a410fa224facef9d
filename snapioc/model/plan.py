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


def select(pv_set: PvSet, stored: Readings, filter_text: str) -> Selection:
    """Choose the members to write: those the filter matches, less what must not be written back."""
    members = pv_set.members
    chosen = np.array(matches(pv_set.pvs[: len(members)], filter_text), bool)
    chosen &= stored.reason[: len(members)] != Reason.NOT_ASKED  # a snapshot of a restore is of those that it wrote
    odd = ~stored.ok | (stored.severity == Severity.INVALID) | (stored.flags & Flag.CUT != 0)
    # Few rows are anything but whole, valid and writable; only they are looked at one by one.
    asked = chosen & (odd[: len(members)] | pv_set.read_only)
    rules = {row: why_not_written(members[row], stored, row) for row in np.flatnonzero(asked).tolist()}
    left_out = tuple((row, why) for row, why in rules.items() if why)
    chosen[[row for row, _ in left_out]] = False
    return Selection(np.flatnonzero(chosen), left_out)


def select_all(stored: Readings) -> Selection:
    """Choose all that was read, whatever its severity: to take back a restore is to put back what was there."""
    return Selection(np.flatnonzero(stored.ok & (stored.flags & Flag.CUT == 0)))


def why_not_written(member: Member, stored: Readings, row: int) -> str | None:
    """The rule by which a restore leaves this member alone, None if it is written (pv-contract, "Restore")."""
    if member.mode is Mode.READ_ONLY:
        return "read-only member"
    if stored.reason[row] != Reason.OK:
        return f"missing in the snapshot: {Reason(stored.reason[row]).text}"
    if stored.severity[row] == Severity.INVALID and member.invalid is OnInvalid.SKIP:
        return "stored with INVALID severity"
    if stored.flags[row] & Flag.CUT:
        return "its text was cut when it was read"
    return None
