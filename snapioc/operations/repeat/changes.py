"""Which events are changes: a value or severity that is another one than the PV had before, if that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Events, Readings

Flags = NDArray[np.bool_]


class Changes:
    """What each PV held last, as far as it takes to tell whether an event is a change. That a PV goes is none."""

    def __init__(self, size: int) -> None:
        self.heard: Flags = np.zeros(size, bool)
        """Whether a value of the PV was ever heard."""
        self._last = [np.zeros(size, dtype) for dtype in (np.uint8, np.int32, np.uint16, np.uint64)]

    def take(self, events: Events) -> tuple[Flags, Flags]:
        """For each event whether it is the first of its PV ever, and whether it is a change."""
        first, changed = np.zeros(len(events), bool), np.zeros(len(events), bool)
        values = np.flatnonzero(events.readings.ok)
        if not len(values):
            return first, changed
        values = values[np.argsort(events.rows[values], kind="stable")]
        rows = events.rows[values]
        begins = np.diff(rows, prepend=-1) != 0
        first[values] = begins & ~self.heard[rows]
        differs = np.zeros(len(rows), bool)
        for known, column in zip(self._last, _compared(events.readings, values), strict=True):
            before = np.where(begins, known[rows], np.roll(column, 1))
            differs |= before != column
            known[rows] = column
        self.heard[rows] = True
        changed[values] = differs & ~first[values]
        return first, changed


def _compared(readings: Readings, rows: NDArray[np.intp]) -> tuple[NDArray[Any], ...]:
    """What is held against what was before: type, count, severity, and the value or a hash of it."""
    keys = readings.bits[rows].copy()
    in_heap = np.flatnonzero(readings.in_heap[rows])
    hashes = (hash(readings.raw(row)) & (2**64 - 1) for row in rows[in_heap].tolist())
    keys[in_heap] = np.fromiter(hashes, np.uint64, len(in_heap))
    return readings.dbr_type[rows], readings.count[rows], readings.severity[rows], keys
