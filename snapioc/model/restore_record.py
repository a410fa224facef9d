"""Restore records: what the store keeps of a restore, from before its first write to the verdict on every PV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .snapshot import Origin


class PvVerdict(IntEnum):
    """What became of one PV in a restore. The numbers are stored: they never change, new ones are appended."""

    RESTORED = 0
    """Written, read back, and equal."""
    UNCHECKED = 1
    """Written, not read back (VERIFY is No)."""
    UNCHANGED = 2
    """Held the stored value already, and was left alone."""
    LEFT_OUT = 3
    """The rules of the restore leave it alone."""
    CANNOT = 4
    """Failed the check, or its present value could not be kept."""
    NOT_WRITTEN = 5
    """To be written, but the restore ended before."""
    WRITE_FAILED = 6
    """The write was refused, or its IOC went away."""
    CLAMPED = 7
    """Holds a limit of its record instead."""
    REJECTED = 8
    """Still holds the value that it had before."""
    LATE = 9
    """Not done within its time."""
    DIFFERENT = 10
    """Holds something else, or could not be read back."""
    READBACK_OFF = 11
    """Holds its value, but its readback does not come near."""
    PREVIOUS = 12
    """Found after an interruption: holds what it held before the restore."""
    SOMETHING_ELSE = 13
    """Found after an interruption: holds neither the old nor the new value."""
    UNREACHABLE = 14
    """Found after an interruption: could not be read."""

    @property
    def text(self) -> str:
        """The verdict in a person's words; a text of the restore may say more."""
        return _TEXTS[self]

    @property
    def failed(self) -> bool:
        """Whether the PV was meant to be restored, and is not known to hold what it was to hold."""
        return self not in _AS_WANTED


_TEXTS = {
    PvVerdict.RESTORED: "restored",
    PvVerdict.UNCHECKED: "written, not read back",
    PvVerdict.UNCHANGED: "unchanged",
    PvVerdict.LEFT_OUT: "left out",
    PvVerdict.CANNOT: "cannot be written",
    PvVerdict.NOT_WRITTEN: "not written",
    PvVerdict.WRITE_FAILED: "write failed",
    PvVerdict.CLAMPED: "clamped",
    PvVerdict.REJECTED: "rejected",
    PvVerdict.LATE: "late",
    PvVerdict.DIFFERENT: "different",
    PvVerdict.READBACK_OFF: "readback off",
    PvVerdict.PREVIOUS: "previous value",
    PvVerdict.SOMETHING_ELSE: "something else",
    PvVerdict.UNREACHABLE: "unreachable",
}

_AS_WANTED = (PvVerdict.RESTORED, PvVerdict.UNCHECKED, PvVerdict.UNCHANGED, PvVerdict.LEFT_OUT)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """The verdict on each PV that the filter chose: `rows` (rising) are rows of the set version, `texts` say more by row."""

    rows: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    verdicts: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    texts: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class NewRestore:
    """A restore that begins; `undoes` is the id of the restore that it takes back."""

    snapshot_id: int
    set_name: str
    origin: Origin = Origin()
    filter: str = ""
    policy: str = ""
    changed_only: bool = True
    verify: bool = True
    undoes: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RestoreEnd:
    """How a restore ended: a Result's name in lower case, its sentence, and how many PVs were written, or may have been."""

    result: str
    message: str
    written: int
    outcomes: Outcomes = field(default_factory=Outcomes)


@dataclass(frozen=True, slots=True)
class RestoreRecord:
    """A restore as the store knows it; times are Unix times, `ended_at` and `result` are empty while it is unfinished.

    `undo_id` is the snapshot with the values before it (None: it never came to write). `after_id` is the snapshot of kind
    AFTER_RESTORE: what those PVs read at the end that were written but do not hold bit for bit what was to be written, all
    others NOT_ASKED (None: there are none).
    """

    id: int
    new: NewRestore
    undo_id: int | None
    begun_at: float
    ended_at: float | None = None
    result: str = ""
    message: str = ""
    written: int = 0
    after_id: int | None = None
