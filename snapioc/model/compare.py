"""The one rule by which two readings are equal: used by diff, by the verification of a restore, and later by drift."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .dbr import DTYPES, DbrType
from .readings import Readings


class Verdict(IntEnum):
    """What comparing one PV's two readings says."""

    EQUAL = 0
    DIFFERENT = 1
    MISSING = 2
    """There on one side only."""
    UNKNOWN = 3
    """Missing on both sides."""


def compare(
    stored: Readings, other: Readings, abs_tol: NDArray[np.float64], rel_tol: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """A Verdict per row; the tolerances hold one number per row, `rel_tol` as a fraction of the stored value.

    Numbers are equal within either tolerance, NaN equals NaN, infinities equal themselves, a float32 on either side is
    compared at float32 precision, enums by label where both sides have labels or else by index, strings exactly, arrays
    by length and then element by element.
    """
    verdicts = np.where(stored.ok, Verdict.MISSING, Verdict.UNKNOWN).astype(np.uint8)
    verdicts[other.ok & ~stored.ok] = Verdict.MISSING
    both = stored.ok & other.ok
    verdicts[both] = Verdict.DIFFERENT
    enums = (stored.dbr_type == DbrType.ENUM) & (other.dbr_type == DbrType.ENUM)
    verdicts[stored.same_values(other) & (~enums | _same_labels(stored, other))] = Verdict.EQUAL
    open_rows = verdicts == Verdict.DIFFERENT
    strings = (stored.dbr_type == DbrType.STRING) | (other.dbr_type == DbrType.STRING)
    single = open_rows & ~strings & ~enums & ~stored.in_heap & ~other.in_heap
    for rows, left, right, single_precision in _numbers(stored, other, single):
        equal = close(left, right, abs_tol[rows], rel_tol[rows], single_precision=single_precision)
        verdicts[rows[equal]] = Verdict.EQUAL
    for row in np.flatnonzero(open_rows & ~single):
        if _row_equal(stored, other, int(row), float(abs_tol[row]), float(rel_tol[row])):
            verdicts[row] = Verdict.EQUAL
    return verdicts


def close(
    stored: NDArray[np.float64],
    other: NDArray[np.float64],
    abs_tol: NDArray[np.float64] | float,
    rel_tol: NDArray[np.float64] | float,
    *,
    single_precision: bool = False,
) -> NDArray[np.bool_]:
    """True where two numbers are equal within a tolerance. All of int32 and of uint8 is exact in a double."""
    if single_precision:
        stored, other = _single(stored), _single(other)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(stored - other)
        within: NDArray[np.bool_] = (difference <= abs_tol) | (difference <= rel_tol * np.abs(stored))
    finite = np.isfinite(stored) & np.isfinite(other)
    equal: NDArray[np.bool_] = (within & finite) | (stored == other) | (np.isnan(stored) & np.isnan(other))
    return equal


def _single(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """At float32 precision; what a float32 cannot hold at all stays as it is, lest 1e300 equal infinity."""
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = numbers.astype(np.float32).astype(np.float64)
    return np.where(np.isfinite(rounded), rounded, numbers)


def _numbers(
    stored: Readings, other: Readings, mask: NDArray[np.bool_]
) -> list[tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], bool]]:
    """Single numbers of the masked rows as doubles, grouped by the pair of their types."""
    groups = []
    for left_type in np.unique(stored.dbr_type[mask]):
        for right_type in np.unique(other.dbr_type[mask]):
            rows = np.flatnonzero(mask & (stored.dbr_type == left_type) & (other.dbr_type == right_type))
            if rows.size:
                pair = DbrType(left_type), DbrType(right_type)
                left, right = _doubles(stored.bits[rows], pair[0]), _doubles(other.bits[rows], pair[1])
                groups.append((rows, left, right, DbrType.FLOAT in pair))
    return groups


def _doubles(bits: NDArray[np.uint64], dbr_type: DbrType) -> NDArray[np.float64]:
    dtype = DTYPES[dbr_type]
    with np.errstate(invalid="ignore"):
        return bits.view(np.uint8).reshape(-1, 8)[:, : dtype.itemsize].copy().view(dtype)[:, 0].astype(np.float64)


def _same_labels(stored: Readings, other: Readings) -> NDArray[np.bool_]:
    """True where both sides know the same enum labels, or none; then equal indices are equal states."""
    known: dict[tuple[str, ...], int] = {}
    sides = []
    for readings in (stored, other):
        numbers = [known.setdefault(metadata.labels, len(known)) for metadata in readings.metadatas]
        none = known.setdefault((), len(known))
        # The last one is what index -1, "no metadata", finds.
        sides.append(np.array([*numbers, none])[readings.metadata])
    same: NDArray[np.bool_] = sides[0] == sides[1]
    return same


def _row_equal(stored: Readings, other: Readings, row: int, abs_tol: float, rel_tol: float) -> bool:
    left, right = stored.reading(row), other.reading(row)
    if left.count != right.count:
        return False
    if DbrType.STRING in (left.dbr_type, right.dbr_type):
        return left.dbr_type == right.dbr_type and left.value == right.value
    pair = (left.dbr_type, right.dbr_type)
    if pair == (DbrType.ENUM, DbrType.ENUM):
        names = [_labels(reading.value, reading.metadata.labels) for reading in (left, right)]
        if None not in names:
            return names[0] == names[1]
        abs_tol = rel_tol = 0.0
    with np.errstate(invalid="ignore"):
        left_numbers, right_numbers = (np.atleast_1d(np.asarray(x.value, np.float64)) for x in (left, right))
    return bool(close(left_numbers, right_numbers, abs_tol, rel_tol, single_precision=DbrType.FLOAT in pair).all())


def _labels(value: object, labels: tuple[str, ...]) -> list[str] | None:
    """The labels of one or many enum indices, None where an index has none of its own: none, an empty, or a shared one."""
    indices = np.atleast_1d(np.asarray(value)).tolist()
    own = all(i < len(labels) and labels[i] and labels.count(labels[i]) == 1 for i in indices)
    return [labels[i] for i in indices] if own else None
