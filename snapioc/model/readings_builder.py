"""ReadingsBuilder: makes Readings row by row, where a row at a time is what comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dbr import DTYPES, MAX_STRING, DbrType, Flag, Reason
from .reading import Metadata, Value
from .readings import Readings, offsets_of


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
            offsets=offsets_of(lengths),
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
