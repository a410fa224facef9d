"""Ramp: many PVs on their way from the present values to the wanted ones, in lockstep.

Decided: each value is computed from the beginning of the ramp and the time since then, not from the value before it, so
that rounding adds up to nothing. Only single numbers are ramped. There is nothing between two texts, the states between two
states of an enum are none that anybody asked for, and which elements of an array belong together only its device knows: all
these are written at once, and so is everything that is NaN or infinite at either end.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DTYPES, DbrType, Readings

PERIOD = 0.1
"""Seconds between two steps."""

LONGEST = 2 * PERIOD
"""Seconds that one step may stand for. After a longer pause, a hung IOC for example, a ramp is late: it must not jump."""

_NUMBERS = (DbrType.SHORT, DbrType.FLOAT, DbrType.CHAR, DbrType.LONG, DbrType.DOUBLE)
_WHOLE = (DbrType.SHORT, DbrType.CHAR, DbrType.LONG)


def ramp_values(
    present: NDArray[np.float64], wanted: NDArray[np.float64], speed: NDArray[np.float64], elapsed: float
) -> NDArray[np.float64]:
    """Where ramps that began at `present` are after `elapsed` seconds at `speed` units per second; never beyond `wanted`.

    All finite, and `speed` above 0. Doubles hold every float32 and int32, and the distance between any two of these.
    """
    with np.errstate(over="ignore"):
        arrived = speed * elapsed >= np.abs(wanted - present)
        moved = present + np.sign(wanted - present) * speed * elapsed
    return np.where(arrived, wanted, moved)


def can_ramp(present: Readings, wanted: Readings, speed: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True for the rows that are ramped: single finite numbers of the same type at both ends, with a speed above 0."""
    single: NDArray[np.bool_] = (
        present.ok & wanted.ok & (present.dbr_type == wanted.dbr_type) & (present.count == 1) & (wanted.count == 1)
    )
    single &= np.isin(wanted.dbr_type, _NUMBERS) & np.isfinite(speed) & (speed > 0)
    rows = np.flatnonzero(single)
    ends = _doubles(present.bits[rows], present.dbr_type[rows]), _doubles(wanted.bits[rows], wanted.dbr_type[rows])
    single[rows] = np.isfinite(ends[0]) & np.isfinite(ends[1])
    return single


class Ramp:
    """Ramps of rows that `can_ramp`, each with its own speed. `arrived` tells which have come to their end."""

    def __init__(self, present: Readings, wanted: Readings, speed: NDArray[np.float64]) -> None:
        self._wanted, self._speed = wanted, speed
        self._types = wanted.dbr_type
        self._from, self._to = _doubles(present.bits, present.dbr_type), _doubles(wanted.bits, wanted.dbr_type)
        self._bits = present.bits.copy()
        self.arrived = np.zeros(len(wanted), bool)

    def step(self, elapsed: float) -> tuple[NDArray[np.intp], Readings]:
        """The rows that move at this time, and the values that they move to: the last one bit for bit what is wanted.

        A row whose value does not change, as an integer on a slow ramp, does not move, but for its last step.
        """
        values = ramp_values(self._from, self._to, self._speed, elapsed)
        arriving = (values == self._to) & ~self.arrived
        bits = np.where(arriving, self._wanted.bits, _bits(values, self._types, self._from))
        rows = np.flatnonzero(~self.arrived & ((bits != self._bits) | arriving))
        self._bits[rows] = bits[rows]
        self.arrived |= arriving
        return rows, replace(self._wanted, bits=bits).select(rows)

    def end(self, rows: NDArray[np.intp]) -> None:
        """These rows move no more."""
        self.arrived[rows] = True


def _doubles(bits: NDArray[np.uint64], types: NDArray[np.uint8]) -> NDArray[np.float64]:
    values = np.zeros(len(bits))
    for code in np.unique(types).tolist():
        rows, dtype = np.flatnonzero(types == code), DTYPES[DbrType(code)]
        # A signalling NaN becomes a quiet one; both are none to ramp to.
        with np.errstate(invalid="ignore"):
            values[rows] = bits[rows].view(np.uint8).reshape(-1, 8)[:, : dtype.itemsize].copy().view(dtype)[:, 0]
    return values


def _bits(values: NDArray[np.float64], types: NDArray[np.uint8], start: NDArray[np.float64]) -> NDArray[np.uint64]:
    """The values in their types; those of integers in whole units, and never ahead of the ramp."""
    bits = np.zeros((len(values), 8), np.uint8)
    for code in np.unique(types).tolist():
        rows, dtype = np.flatnonzero(types == code), DTYPES[DbrType(code)]
        numbers = values[rows]
        if code in _WHOLE:
            numbers = start[rows] + np.trunc(numbers - start[rows])
        bits[rows, : dtype.itemsize] = numbers.astype(dtype).view(np.uint8).reshape(-1, dtype.itemsize)
    return bits.view(np.uint64)[:, 0]
