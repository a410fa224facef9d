"""Readings: what a set of PVs held at one moment, in columns. The one currency between the rooms.

Decided: a number of any DBR type is kept as its raw bits in one 64-bit column, so that "the same, bit for bit" is one
vector comparison and no conversion ever touches a value. Strings and arrays (any count but one) lie in one heap of
bytes with offsets. An array that holds a single number needs no heap: written back as one number it is the same array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dbr import DTYPES, EPICS_EPOCH, MAX_STRING, DbrType, Flag, Reason
from .reading import Metadata, Reading, Value


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Columns with one row per PV; all of length n but `offsets` (n + 1) and `heap` (`offsets[n]` bytes).

    `seconds` and `nanoseconds` are EPICS time (from 1990), `metadata` indexes `metadatas` (-1: none known), `started`
    and `finished` are Unix times of the first request and the last reply.
    """

    reason: NDArray[np.uint8]
    dbr_type: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    count: NDArray[np.int32]
    status: NDArray[np.uint16]
    severity: NDArray[np.uint16]
    seconds: NDArray[np.uint32]
    nanoseconds: NDArray[np.uint32]
    bits: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    heap: bytes
    metadata: NDArray[np.int32]
    metadatas: tuple[Metadata, ...] = ()
    started: float = 0.0
    finished: float = 0.0

    def __len__(self) -> int:
        return len(self.reason)

    @property
    def ok(self) -> NDArray[np.bool_]:
        """True where the PV was read."""
        return np.equal(self.reason, Reason.OK)

    @property
    def in_heap(self) -> NDArray[np.bool_]:
        """True where the value lies in the heap: strings, and arrays of any count but one."""
        in_heap: NDArray[np.bool_] = self.ok & ((self.dbr_type == DbrType.STRING) | (self.count != 1))
        return in_heap

    @property
    def skew(self) -> float:
        """How far apart in time the values can have been read, in seconds."""
        return max(0.0, self.finished - self.started)

    def raw(self, row: int) -> bytes:
        """The row's bytes in the heap; empty for a single number."""
        return self.heap[self.offsets[row] : self.offsets[row + 1]]

    def value(self, row: int) -> Value | None:
        """The row's value as a Python object, None where it is missing."""
        if self.reason[row] != Reason.OK:
            return None
        dbr_type, count = DbrType(self.dbr_type[row]), int(self.count[row])
        if dbr_type is DbrType.STRING:
            raw = self.raw(row)
            return raw if count == 1 else [raw[i : i + MAX_STRING].rstrip(b"\0") for i in range(0, len(raw), MAX_STRING)]
        if count == 1:
            number: Value = self.bits[row : row + 1].view(DTYPES[dbr_type])[0].item()
            return number
        return np.frombuffer(self.raw(row), DTYPES[dbr_type])

    def reading(self, row: int) -> Reading:
        """The row as one object."""
        reason = Reason(self.reason[row])
        if reason is not Reason.OK:
            return Reading(reason)
        known = self.metadata[row] >= 0
        return Reading(
            reason=reason,
            dbr_type=DbrType(self.dbr_type[row]),
            count=int(self.count[row]),
            value=self.value(row),
            timestamp=EPICS_EPOCH + int(self.seconds[row]) + int(self.nanoseconds[row]) * 1e-9,
            status=int(self.status[row]),
            severity=int(self.severity[row]),
            flags=Flag(int(self.flags[row])),
            metadata=self.metadatas[self.metadata[row]] if known else Metadata(),
        )

    def select(self, rows: Sequence[int] | NDArray[np.intp]) -> Readings:
        """The given rows, in the order given; times and metadata stay those of the whole."""
        index = np.asarray(rows, dtype=np.intp)
        if len(index) == len(self) and np.array_equal(index, np.arange(len(self))):
            return self
        lengths = np.diff(self.offsets)[index]
        heap = b"".join(self.raw(row) for row in index[lengths > 0].tolist())
        return replace(
            self,
            **{name: getattr(self, name)[index] for name in _COLUMNS},
            offsets=offsets_of(lengths),
            heap=heap,
        )

    def spread(self, rows: Sequence[int] | NDArray[np.intp], size: int) -> Readings:
        """The inverse of `select`: these rows at the given places among `size`, the others missing as NOT_ASKED.

        `rows` must rise.
        """
        index = np.asarray(rows, dtype=np.intp)
        columns: dict[str, Any] = {name: np.zeros(size, getattr(self, name).dtype) for name in _COLUMNS}
        columns["reason"][:] = Reason.NOT_ASKED
        columns["metadata"][:] = -1
        for name, column in columns.items():
            column[index] = getattr(self, name)
        lengths = np.zeros(size, np.int64)
        lengths[index] = np.diff(self.offsets)
        return replace(self, **columns, offsets=offsets_of(lengths))

    def replace_rows(self, rows: Sequence[int], other: Readings) -> Readings:
        """A copy in which type, count, value and metadata of the given rows are those of the same rows of `other`."""
        index = np.asarray(rows, dtype=np.intp)
        columns: dict[str, Any] = {name: getattr(self, name).copy() for name in ("dbr_type", "count", "bits")}
        for name, column in columns.items():
            column[index] = getattr(other, name)[index]
        lengths = np.diff(self.offsets)
        lengths[index] = np.diff(other.offsets)[index]
        chosen = set(index.tolist())
        heap = b"".join((other if row in chosen else self).raw(row) for row in np.flatnonzero(lengths).tolist())
        known = other.metadata[index]
        columns["metadata"] = self.metadata.copy()
        columns["metadata"][index] = np.where(known >= 0, known + len(self.metadatas), -1)
        return replace(self, **columns, offsets=offsets_of(lengths), heap=heap, metadatas=self.metadatas + other.metadatas)

    def patched(self, rows: Sequence[int] | NDArray[np.intp], other: Readings) -> Readings:
        """A copy in which the given rows are, wholly, the rows of `other` in their order."""
        index = np.asarray(rows, dtype=np.intp)
        columns: dict[str, Any] = {name: getattr(self, name).copy() for name in _COLUMNS}
        for name, column in columns.items():
            column[index] = getattr(other, name)
        columns["metadata"][index] = np.where(other.metadata >= 0, other.metadata + len(self.metadatas), -1)
        lengths = np.diff(self.offsets)
        lengths[index] = np.diff(other.offsets)
        places = {row: place for place, row in enumerate(index.tolist())}
        pieces = (other.raw(places[r]) if r in places else self.raw(r) for r in np.flatnonzero(lengths).tolist())
        return replace(
            self,
            **columns,
            offsets=offsets_of(lengths),
            heap=b"".join(pieces),
            metadatas=self.metadatas + other.metadatas,
        )

    def same_values(self, other: Readings) -> NDArray[np.bool_]:
        """True where both rows are there and hold the same type, count and value, bit for bit."""
        same: NDArray[np.bool_] = (
            self.ok
            & other.ok
            & (self.dbr_type == other.dbr_type)
            & (self.count == other.count)
            & (self.bits == other.bits)
            & (np.diff(self.offsets) == np.diff(other.offsets))
        )
        for row in np.flatnonzero(same & self.in_heap).tolist():
            same[row] = self.raw(row) == other.raw(row)
        return same


_COLUMNS = (
    "reason",
    "dbr_type",
    "flags",
    "count",
    "status",
    "severity",
    "seconds",
    "nanoseconds",
    "bits",
    "metadata",
)


def offsets_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where values of these lengths begin in a heap, and where the last one ends."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
