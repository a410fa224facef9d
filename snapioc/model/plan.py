"""The restore plan: which members of a snapshot are written, and why the others are not. Pure, so that it can be shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .channel_states import ChannelStates
from .coerce import coerce
from .dbr import Flag, Reason, Severity
from .names import matches
from .pvset import Member, Mode, OnInvalid, PvSet
from .readings import Readings


@dataclass(frozen=True, slots=True)
class Selection:
    """The members that a restore is to write, as rows of the snapshot, and those that its rules leave out."""

    rows: tuple[int, ...]
    left_out: tuple[tuple[str, str], ...]
    """PV and reason of each member that the filter chose but that is not to be written."""
    chosen: tuple[int, ...]
    """All that the filter chose, as rows."""

    @property
    def matched(self) -> int:
        """How many members the filter chose."""
        return len(self.chosen)


def select(pv_set: PvSet, stored: Readings, filter_text: str) -> Selection:
    """Choose the members to write: those the filter matches, less what must not be written back."""
    chosen = matches([member.pv for member in pv_set.members], filter_text)
    # Few rows are anything but whole and valid; only they are looked at one by one.
    odd = (~stored.ok | (stored.severity == Severity.INVALID) | (stored.flags & Flag.CUT != 0)).tolist()
    rows, left_out = [], []
    for row, member in enumerate(pv_set.members):
        if chosen[row]:
            why = why_not_written(member, stored, row) if odd[row] or member.mode is Mode.READ_ONLY else None
            if why:
                left_out.append((member.pv, why))
            else:
                rows.append(row)
    return Selection(tuple(rows), tuple(left_out), tuple(row for row, is_chosen in enumerate(chosen) if is_chosen))


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


@dataclass(frozen=True, slots=True)
class Checked:
    """The plan after the check: the PVs that pass with their values as the channels take them, and those that fail."""

    rows: tuple[int, ...]
    """Positions, in the list that was checked, of the PVs that can be written."""
    values: Readings
    """One row for each of `rows`."""
    failures: dict[int, str]
    """Position and reason of each PV that cannot be written."""


def check(values: Readings, live: ChannelStates) -> Checked:
    """Check every PV that is to be written: connected, writable, and able to take its value."""
    failures = {}
    for row in np.flatnonzero(~live.connected).tolist():
        failures[row] = (Reason.DISCONNECTED if live.ever_connected[row] else Reason.NEVER_CONNECTED).text
    for row in np.flatnonzero(live.connected & ~live.writable).tolist():
        failures[row] = "no write access"
    reachable = [row for row in range(len(values)) if row not in failures]
    coerced, faults = coerce(values.select(reachable), live.select(reachable))
    failures.update({reachable[position]: why for position, why in faults.items()})
    good = [position for position in range(len(reachable)) if position not in faults]
    return Checked(tuple(reachable[position] for position in good), coerced.select(good), failures)
