"""Readings: what a set of PVs held at one moment, in columns. The one currency between the rooms.

Decided: a number of any DBR type is kept as its raw bits in one 64-bit column, so that "the same, bit for bit" is one
vector comparison and no conversion ever touches a value. Strings and arrays (any count but one) lie in one heap of
bytes with offsets. An array that holds a single number needs no heap: written back as one number it is the same array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .dbr import DTYPES, EPICS_EPOCH, MAX_STRING, DbrType, Flag, Reason

Value: TypeAlias = int | float | bytes | list[bytes] | NDArray[Any]
"""One value for a person or a converter: a number, a string as bytes, an array, or an array of strings."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What DBR_CTRL says of a channel besides its value; limits in the order of `LIMITS`."""

    units: str = ""
    precision: int = 0
    labels: tuple[str, ...] = ()
    limits: tuple[float, ...] = ()
    element_count: int = 1


LIMITS = (
    "upper_disp_limit",
    "lower_disp_limit",
    "upper_alarm_limit",
    "upper_warning_limit",
    "lower_warning_limit",
    "lower_alarm_limit",
    "upper_ctrl_limit",
    "lower_ctrl_limit",
)
"""The names of `Metadata.limits`, in the order of db_access.h."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of Readings, for people: a PV's value with all that is known of it."""

    reason: Reason
    dbr_type: DbrType = DbrType.DOUBLE
    count: int = 0
    value: Value | None = None
    timestamp: float = 0.0
    status: int = 0
    severity: int = 0
    flags: Flag = Flag.NONE
    metadata: Metadata = Metadata()


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
            offsets=_offsets(lengths),
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
        return replace(self, **columns, offsets=_offsets(lengths))

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
        return replace(self, **columns, offsets=_offsets(lengths), heap=heap, metadatas=self.metadatas + other.metadatas)

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
            offsets=_offsets(lengths),
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


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


@dataclass(slots=True)
class ReadingsBuilder:
    """Collects readings row by row, in any order; rows that are never set stay missing for `reason`."""

    size: int
    reason: Reason = Reason.NOT_ASKED
    _columns: dict[str, NDArray[Any]] = field(init=False)
    _raw: dict[int, bytes] = field(init=False, default_factory=dict)
    _metadata: dict[Metadata, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        dtypes = {"bits": "<u8", "count": "<i4", "metadata": "<i4", "status": "<u2", "severity": "<u2"}
        dtypes |= {"seconds": "<u4", "nanoseconds": "<u4", "reason": "<u1", "dbr_type": "<u1", "flags": "<u1"}
        self._columns = {name: np.zeros(self.size, dtype) for name, dtype in dtypes.items()}
        self._columns["reason"][:] = self.reason
        self._columns["metadata"][:] = -1

    def missing(self, row: int, reason: Reason) -> None:
        """Say why a row could not be read; what was added to it before is forgotten."""
        if self._raw.pop(row, None) is not None:
            for column in self._columns.values():
                column[row] = 0
            self._columns["metadata"][row] = -1
        self._columns["reason"][row] = reason

    def add(
        self,
        row: int,
        dbr_type: DbrType,
        value: Value,
        *,
        seconds: int = 0,
        nanoseconds: int = 0,
        status: int = 0,
        severity: int = 0,
        flags: Flag = Flag.NONE,
        metadata: Metadata | None = None,
    ) -> None:
        """Set a row; `value` is a number or a one-dimensional array for numeric types, bytes or a list of bytes for STRING.

        Strings end at their first NUL. Raises ValueError or OverflowError for a value that the type cannot hold.
        """
        bits, raw, count = _encode(dbr_type, value)
        columns = self._columns
        columns["reason"][row] = Reason.OK
        columns["dbr_type"][row], columns["count"][row], columns["bits"][row] = dbr_type, count, bits
        columns["seconds"][row], columns["nanoseconds"][row] = seconds, nanoseconds
        columns["status"][row], columns["severity"][row], columns["flags"][row] = status, severity, flags
        self._raw[row] = raw
        columns["metadata"][row] = -1 if metadata is None else self._metadata.setdefault(metadata, len(self._metadata))

    def build(self, started: float = 0.0, finished: float = 0.0) -> Readings:
        """The rows set so far as Readings."""
        lengths = np.zeros(self.size, np.int64)
        for row, raw in self._raw.items():
            lengths[row] = len(raw)
        return Readings(
            **{name: column.copy() for name, column in self._columns.items()},
            offsets=_offsets(lengths),
            heap=b"".join(self._raw[row] for row in sorted(self._raw)),
            metadatas=tuple(self._metadata),
            started=started,
            finished=finished,
        )


def _encode(dbr_type: DbrType, value: Value) -> tuple[int, bytes, int]:
    """The value as (bits, heap bytes, count)."""
    if dbr_type is DbrType.STRING:
        if isinstance(value, bytes):
            return 0, value.split(b"\0", 1)[0], 1
        if not isinstance(value, list):
            raise ValueError(f"a DBR_STRING is made of bytes, not {type(value).__name__}")
        elements = [element.split(b"\0", 1)[0] for element in value]
        if any(len(element) >= MAX_STRING for element in elements):
            raise ValueError(f"a string in an array has at most {MAX_STRING - 1} bytes")
        if len(elements) == 1:
            return 0, elements[0], 1
        return 0, b"".join(element.ljust(MAX_STRING, b"\0") for element in elements), len(elements)
    array = _typed(np.asarray(value), DTYPES[dbr_type])
    if array.size != 1:
        return 0, array.tobytes(), array.size
    return int.from_bytes(array.tobytes(), "little"), b"", 1


def _typed(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The numbers in this type: rounded to a float, never wrapped, cut off, or taken to infinity."""
    if array.dtype == dtype:
        return array
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{array.dtype} is no type of numbers")
    with np.errstate(invalid="ignore", over="ignore"):
        typed = array.astype(dtype)
    held = np.isfinite(typed) == np.isfinite(array) if dtype.kind == "f" else typed == array
    if not held.all():
        raise ValueError(f"{array[~held].item(0)} is no {dtype}")
    return typed
