"""The ring of past events: what each PV held at a moment that is over.

Batches of events are kept whole, as they came, with their time stamps as integers. Those that are older than the ring
reaches are folded into one with the last event of each PV, and not one by one: a fold costs about as much as its PVs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapioc.model import EPICS_EPOCH, Events, Readings, ReadingsBuilder, Reason, joined_events, joined_readings

FOLDED_AT_ONCE = 16
"""Batches that are older than the ring reaches before they are folded."""

MAX_BYTES = 256 * 2**20
"""Bytes of past events at most, besides one of each PV: beyond, the older half is folded, and the ring reaches less far."""

Stamps = NDArray[np.uint64]

LATEST = np.uint64(2**64 - 1)
"""A time stamp that is later than all others."""


def stamp_of(seconds: int, nanoseconds: int) -> np.uint64:
    """EPICS time as one integer that sorts as it does."""
    return np.uint64((seconds << 32) | nanoseconds)


def epics_now(unix_time: float) -> np.uint64:
    """A Unix time as EPICS time."""
    since = max(0.0, unix_time - EPICS_EPOCH)
    return stamp_of(int(since), int(since % 1 * 1e9))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Events that came together, at a time of our monotonic clock; `stamps` are their own times."""

    came: float
    events: Events
    stamps: Stamps
    size: int


class Ring:
    """The events of the last `reach` seconds, and of each PV the last one before."""

    def __init__(self, pvs: int, reach: float) -> None:
        self.reach, self.short = reach, False
        self._pvs = pvs
        self._batches: deque[Batch] = deque()
        self._size = self._folded = 0

    def add(self, events: Events, came: float, now: np.uint64) -> None:
        """Take events that came at `came` of the monotonic clock, which is `now` in EPICS time.

        A PV that went has no time stamp of its own: it went now.
        """
        readings = events.readings
        stamps = (readings.seconds.astype(np.uint64) << np.uint64(32)) | readings.nanoseconds
        batch = Batch(came, events, np.where(readings.ok, stamps, now), size_of(readings))
        self._batches.append(batch)
        self._size += batch.size
        self._fold(came)

    def parts(self) -> tuple[Batch, ...]:
        """All that the ring holds now, for `state_at`; later events do not change it."""
        return tuple(self._batches)

    def _fold(self, now: float) -> None:
        old = self._older_than(now - self.reach)
        if self._size - self._folded > MAX_BYTES and old < len(self._batches) // 2:
            old, self.short = len(self._batches) // 2, True
        elif old < FOLDED_AT_ONCE:
            return
        folded = _folded([self._batches.popleft() for _ in range(old)], self._pvs)
        self._batches.appendleft(folded)
        self._folded = folded.size
        self._size = sum(batch.size for batch in self._batches)

    def _older_than(self, moment: float) -> int:
        count = 0
        for batch in self._batches:
            if batch.came >= moment or count > FOLDED_AT_ONCE:
                break
            count += 1
        return count


def size_of(readings: Readings) -> int:
    """About how many bytes the values take in memory."""
    return 64 * len(readings) + len(readings.heap)


def _folded(batches: Sequence[Batch], pvs: int) -> Batch:
    events = joined_events([batch.events for batch in batches])
    stamps = np.concatenate([batch.stamps for batch in batches])
    last = np.full(pvs, -1, np.intp)
    last[events.rows] = np.arange(len(events))  # of equal rows the last one stays
    kept = np.sort(last[last >= 0])
    readings = events.readings.select(kept)
    return Batch(batches[-1].came, Events(events.rows[kept], readings), stamps[kept], size_of(readings))


def state_at(batches: Sequence[Batch], stamp: np.uint64, pvs: int) -> Readings:
    """For each of the PVs its last event whose time stamp is at or before `stamp`; UNKNOWN_THEN if there is none.

    The last is the one that came last: if a clock was set back meanwhile, that one is nearer to the truth.
    """
    source, place = np.full(pvs, -1, np.intp), np.zeros(pvs, np.intp)
    for number, batch in enumerate(batches):
        fitting = np.flatnonzero(batch.stamps <= stamp)
        rows = batch.events.rows[fitting]
        source[rows], place[rows] = number, fitting
    used = np.unique(source[source >= 0]).tolist()
    those = [np.flatnonzero(source == number) for number in used]
    picked = [batches[number].events.readings.select(place[rows]) for number, rows in zip(used, those, strict=True)]
    readings = arranged(those, picked, pvs)
    readings.reason[source < 0] = Reason.UNKNOWN_THEN
    return readings


def arranged(rows: Sequence[NDArray[np.intp]], parts: Sequence[Readings], pvs: int) -> Readings:
    """The readings of all PVs from parts that hold those of some, in the order of `rows`; the others are NOT_ASKED."""
    if not parts:
        return ReadingsBuilder(pvs).build()
    places = np.concatenate(rows)
    order = np.argsort(places)
    return joined_readings(parts).select(order).spread(places[order], pvs)
