"""A window: all that the set's PVs do from its start to its end, and what they held at its end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Events, Readings, ReadingsBuilder, SnapError, joined_events

from .ring import size_of

MAX_BYTES = 512 * 2**20
"""Bytes of the events of one window at most."""

NEWEST = 20
"""Events that WIN_TEXT shows."""


class Window:
    """Collects events until it is closed."""

    def __init__(self, pvs: int) -> None:
        self._parts: list[Events] = []
        self._seen = np.zeros(pvs, bool)
        self._size = self._count = 0
        self.fault: SnapError | None = None

    def heard(self, events: Events, first: NDArray[np.bool_]) -> None:
        """Take events; the first one of a PV after it was subscribed to is what it held before, and none of the window's."""
        if self.fault:
            return
        if first.any():
            kept = np.flatnonzero(~first)
            events = Events(events.rows[kept], events.readings.select(kept))
        self._parts.append(events)
        self._seen[events.rows] = True
        self._count += len(events)
        self._size += size_of(events.readings)
        if self._size > MAX_BYTES:
            self._parts.clear()
            self.fault = SnapError(f"the events of the window take more than {MAX_BYTES // 2**20} MiB")

    @property
    def counts(self) -> tuple[int, int]:
        """How many events there are so far, and of how many PVs."""
        return self._count, int(self._seen.sum())

    @property
    def silent(self) -> NDArray[np.intp]:
        """The PVs that had no event so far."""
        return np.flatnonzero(~self._seen)

    def events(self) -> Events:
        """All events so far. Raises SnapError if they were more than can be held."""
        if self.fault:
            raise self.fault
        parts = [part for part in self._parts if len(part)]
        if not parts:
            return Events(np.zeros(0, np.intp), ReadingsBuilder(0).build())
        return joined_events(parts)

    def newest(self) -> list[tuple[int, Readings, int]]:
        """The newest events, the last one first: the PV's place, and where its reading is."""
        found: list[tuple[int, Readings, int]] = []
        for part in reversed(self._parts):
            for row in range(len(part) - 1, -1, -1):
                if len(found) == NEWEST:
                    return found
                found.append((int(part.rows[row]), part.readings, row))
        return found


def last_of_each(events: Events, pvs: int) -> tuple[NDArray[np.intp], Readings]:
    """The PVs that have events, in rising order, and the last event of each."""
    last = np.full(pvs, -1, np.intp)
    last[events.rows] = np.arange(len(events))  # of equal rows the last one stays
    rows = np.flatnonzero(last >= 0)
    return rows, events.readings.select(last[rows])
