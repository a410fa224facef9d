"""Rows of two Readings taken together where they are of one kind, because one by one they cost microseconds each.

Arrays of any length lie end to end in a batch: in a real set hardly two waveforms have the same length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .dbr import DTYPES, DbrType
from .readings import Readings

Rows: TypeAlias = NDArray[np.intp]

_AT_ONCE = 1 << 14
"""Elements after which a batch ends: as doubles they take 128 kB a side, which a processor keeps at hand."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows with `counts` elements each, one at least, which lie end to end."""

    rows: Rows
    counts: NDArray[np.int32]

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.cumsum(self.counts, dtype=np.int64) - self.counts

    def per_element(self, column: NDArray[Any]) -> NDArray[Any]:
        """What a column holds for the row of each element."""
        return np.repeat(column[self.rows], self.counts)

    def all(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """For each row whether all its elements are so."""
        return np.logical_and.reduceat(flags, self._starts)

    def largest(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each row the largest of its elements."""
        return np.maximum.reduceat(numbers, self._starts)


@dataclass(frozen=True, eq=False)
class Numbers(Batch):
    """Rows of numbers, of the same types and lengths on both sides, as doubles, which hold each of them exactly."""

    stored: NDArray[np.float64]
    other: NDArray[np.float64]
    single_precision: bool
    """One side is a float32."""


def numbers(stored: Readings, other: Readings, rows: Rows) -> Iterator[Numbers]:
    """The given rows in batches; both sides have as many elements, one at least, and none is a text or missing."""
    for batch in batches(rows, stored.count[rows], stored.dbr_type[rows], other.dbr_type[rows]):
        types = [DbrType(side.dbr_type[batch.rows[0]]) for side in (stored, other)]
        with np.errstate(invalid="ignore"):  # a signalling NaN
            left, right = (elements(side, batch).astype(np.float64) for side in (stored, other))
        yield Numbers(batch.rows, batch.counts, left, right, DbrType.FLOAT in types)


def batches(rows: Rows, counts: NDArray[np.int32], *keys: NDArray[Any]) -> Iterator[Batch]:
    """The rows in batches with equal keys, single values apart from arrays."""
    keys = (*keys, counts == 1)
    order = np.lexsort(keys)
    so_far = np.cumsum(counts[order], dtype=np.int64) // _AT_ONCE
    changes = np.diff(so_far, prepend=0) != 0
    for key in keys:
        changes[1:] |= key[order[1:]] != key[order[:-1]]
    for places in np.split(order, np.flatnonzero(changes)):
        if len(places):
            yield Batch(rows[places], counts[places])


def elements(readings: Readings, batch: Batch) -> NDArray[Any]:
    """The elements of rows of one type, end to end."""
    dtype = DTYPES[DbrType(readings.dbr_type[batch.rows[0]])]
    if batch.counts[0] == 1:
        return readings.bits[batch.rows].view(np.uint8).reshape(-1, 8)[:, : dtype.itemsize].copy().view(dtype)[:, 0]
    return np.frombuffer(b"".join(_slices(readings, batch.rows)), dtype)


def same_bytes(stored: Readings, other: Readings, rows: Rows) -> NDArray[np.bool_]:
    """True where the values of the given rows are the same bytes."""
    same: NDArray[np.bool_] = stored.bits[rows] == other.bits[rows]
    in_heap = np.flatnonzero(stored.in_heap[rows] | other.in_heap[rows])
    pairs = zip(_slices(stored, rows[in_heap]), _slices(other, rows[in_heap]), strict=True)
    same[in_heap] = [left == right for left, right in pairs]
    return same


def _slices(readings: Readings, rows: Rows) -> Iterator[bytes]:
    heap = readings.heap
    starts, ends = readings.offsets[rows].tolist(), readings.offsets[rows + 1].tolist()
    return (heap[start:end] for start, end in zip(starts, ends, strict=True))
