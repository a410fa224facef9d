"""Readings made up for the store: a set mixed like the targets, of which chosen rows move from one snapshot to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DbrType, Member, Metadata, PvSet, Readings, ReadingsBuilder, Value

from .targets import name

NOISE = {DbrType.DOUBLE: 2**64, DbrType.LONG: 2**32, DbrType.ENUM: 4}
"""How many different values a scalar of each type takes: of doubles and longs every bit is noise."""

_METADATA = Metadata("A", 3, (), (500.0, -500.0, 0.0, 0.0, 0.0, 0.0, 500.0, -500.0))


def members(count: int, set_name: str = "SET") -> PvSet:
    """A set of so many PVs."""
    return PvSet(set_name, tuple(Member(name("B:", row)) for row in range(count)))


class Machine:
    """A machine that exists in memory: what a read of it brings, second after second."""

    def __init__(self, count: int) -> None:
        self._random = np.random.default_rng(1)
        self.readings = _first(count, self._random)
        self.scalars = np.flatnonzero((self.readings.count == 1) & (self.readings.dbr_type != DbrType.STRING))

    def move(self, rows: NDArray[np.intp]) -> Readings:
        """A second later: these scalars have random values and random times within the second, the others are as before."""
        old = self.readings
        bits, seconds, nanoseconds = old.bits.copy(), old.seconds.copy(), old.nanoseconds.copy()
        for dbr_type, values in NOISE.items():
            chosen = rows[old.dbr_type[rows] == dbr_type]
            bits[chosen] = self._random.integers(0, values - 1, len(chosen), np.uint64, endpoint=True)
        seconds[rows] = old.seconds.max() + 1
        nanoseconds[rows] = self._random.integers(0, 10**9, len(rows))
        columns: dict[str, Any] = {"bits": bits, "seconds": seconds, "nanoseconds": nanoseconds}
        self.readings = replace(old, started=old.started + 1, finished=old.finished + 1, **columns)
        return self.readings

    def some(self, part: float) -> NDArray[np.intp]:
        """A random part of the scalars."""
        return np.sort(self._random.choice(self.scalars, max(1, int(len(self.scalars) * part)), replace=False))


def _first(count: int, random: np.random.Generator) -> Readings:
    builder = ReadingsBuilder(count)
    for row in range(count):
        dbr_type, value = _value(row, random)
        metadata = _METADATA if row % 100 < 80 else None
        nanoseconds = int(random.integers(10**9))
        builder.add(row, dbr_type, value, seconds=1_000_000_000, nanoseconds=nanoseconds, metadata=metadata)
    return builder.build(1_600_000_000.0, 1_600_000_000.05)


def _value(row: int, random: np.random.Generator) -> tuple[DbrType, Value]:
    place = row % 100
    if place < 80:
        return DbrType.DOUBLE, random.normal(0, 100)
    if place < 90:
        return DbrType.LONG, row
    if place < 95:
        return DbrType.ENUM, row % 2
    if place < 98:
        return DbrType.STRING, b"orbit %d" % row
    return DbrType.DOUBLE, random.normal(0, 1, 100 + row * 37 % 901)
