"""A snapshot against another one or the live machine, PV by PV, matched by name.

A snapshot that was not asked for all PVs of its set holds what one restore was to write: then the comparison is of these
PVs alone. A PV that the set version of only one side names is missing on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .compare import Verdict, compare
from .dbr import Reason
from .errors import SnapError
from .names import matches
from .pvset import PvSet
from .readings import Readings
from .snapshot import Snapshot

LIVE = "live"
"""The name of the machine as one side of a comparison."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Row i of both Readings and of `verdicts` (Verdict as numbers) belongs to `pvs[i]`, as do the tolerances.

    `names` are those of the two sides: the id of a snapshot, or LIVE.
    """

    names: tuple[str, str]
    pvs: tuple[str, ...]
    stored: Readings
    other: Readings
    verdicts: NDArray[np.uint8]
    abs_tol: NDArray[np.float64]
    rel_tol: NDArray[np.float64]

    @cached_property
    def differing(self) -> NDArray[np.intp]:
        """The rows that differ, those that are missing on one side among them."""
        return np.flatnonzero((self.verdicts == Verdict.DIFFERENT) | (self.verdicts == Verdict.MISSING))

    @property
    def equal(self) -> int:
        """How many PVs are equal within the tolerances."""
        return int(np.count_nonzero(self.verdicts == Verdict.EQUAL))

    @property
    def different(self) -> int:
        """How many PVs differ, those that are missing on one side among them."""
        return len(self.differing)

    @property
    def unknown(self) -> int:
        """How many PVs are missing on both sides."""
        return int(np.count_nonzero(self.verdicts == Verdict.UNKNOWN))

    @cached_property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """PV and reason of each that is missing, on one side or on both."""
        rows = np.flatnonzero(self.verdicts >= Verdict.MISSING).tolist()
        return tuple((self.pvs[row], self._why_missing(row)) for row in rows)

    def _why_missing(self, row: int) -> str:
        reasons = [Reason(side.reason[row]) for side in (self.stored, self.other)]
        said = zip(self.names, reasons, strict=True)
        return ", ".join(f"{reason.text} ({name})" for name, reason in said if reason is not Reason.OK)


def compare_snapshots(stored: Snapshot, other: Snapshot, filter_text: str = "") -> Comparison:
    """Compare what the filter chooses within the tolerances of the set version of `stored`.

    Raises SnapError if the filter chooses no PV, or no PV is part of both.
    """
    left, right = _Side.of(stored), _Side.of(other)
    pvs = left.pvs if left.pvs == right.pvs else _united(left, right)
    if not pvs:
        raise SnapError(f"no PV is part of both {stored.header.id} and {other.header.id}")
    chosen = chosen_pvs(pvs, filter_text) if filter_text else pvs
    return _compared(stored, chosen, (left.at(chosen), right.at(chosen)), str(other.header.id))


def asked_pvs(stored: Snapshot, filter_text: str = "") -> tuple[str, ...]:
    """The PVs to read for a comparison with the live machine. Raises SnapError if the filter chooses none."""
    side = _Side.of(stored)
    return chosen_pvs(side.pvs, filter_text) if filter_text else side.pvs


def compare_live(stored: Snapshot, pvs: Sequence[str], live: Readings) -> Comparison:
    """Compare with what the machine holds now: row i of `live` belongs to `pvs[i]`, which `asked_pvs` named."""
    pvs = tuple(pvs)
    return _compared(stored, pvs, (_Side.of(stored).at(pvs), live), LIVE)


def chosen_pvs(pvs: Sequence[str], filter_text: str) -> tuple[str, ...]:
    """The PVs that the filter chooses. Raises SnapError if there are none."""
    chosen = tuple(pv for pv, wanted in zip(pvs, matches(pvs, filter_text), strict=True) if wanted)
    if not chosen:
        raise SnapError(f"the filter {filter_text!r} matches none of the {len(pvs)} PVs")
    return chosen


@dataclass(frozen=True, eq=False)
class _Side:
    """The PVs that a snapshot was asked for; `is_part`: these are not all PVs of its set."""

    pv_set: PvSet
    readings: Readings
    pvs: tuple[str, ...]
    is_part: bool

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Side:
        pvs, asked = snapshot.pv_set.pvs, snapshot.readings.reason != Reason.NOT_ASKED
        is_part = not asked.all()
        held = tuple(pvs[row] for row in np.flatnonzero(asked).tolist()) if is_part else pvs
        return cls(snapshot.pv_set, snapshot.readings, held, is_part)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Where each of the PVs stands in the readings."""
        return {pv: self.pv_set.rows[pv] for pv in self.pvs} if self.is_part else self.pv_set.rows

    def at(self, pvs: tuple[str, ...]) -> Readings:
        """A row per given PV; one that is no PV of this side is missing as NOT_ASKED."""
        if pvs == self.pv_set.pvs:
            return self.readings
        rows = np.array([self.rows.get(pv, -1) for pv in pvs], np.intp)
        absent = rows < 0
        picked = self.readings.select(np.where(absent, 0, rows))
        return replace(picked, reason=np.where(absent, np.uint8(Reason.NOT_ASKED), picked.reason))


def _united(left: _Side, right: _Side) -> tuple[str, ...]:
    """The PVs of either side, less those that a side which is part of a set does not hold; none if none is in both."""
    if left.rows.keys().isdisjoint(right.rows):
        return ()
    parts = [side.rows for side in (left, right) if side.is_part]
    union = dict.fromkeys([*left.pvs, *right.pvs])
    return tuple(pv for pv in union if all(pv in part for part in parts))


def _compared(stored: Snapshot, pvs: tuple[str, ...], sides: tuple[Readings, Readings], other: str) -> Comparison:
    tolerances = _tolerances(stored.pv_set, pvs)
    return Comparison((str(stored.header.id), other), pvs, *sides, compare(*sides, *tolerances), *tolerances)


def _tolerances(pv_set: PvSet, pvs: tuple[str, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if pvs == pv_set.pvs:
        return pv_set.tolerances
    # What the set does not name is missing on its side, so that any tolerance does.
    rows = np.array([pv_set.rows.get(pv, 0) for pv in pvs], np.intp)
    abs_tol, rel_tol = (column[rows] for column in pv_set.tolerances)
    return abs_tol, rel_tol
