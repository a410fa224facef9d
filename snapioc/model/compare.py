"""The one rule by which two readings are equal: used by COMPARE, diff, the verification of a restore, and later by drift."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .batches import Rows, numbers, same_bytes
from .dbr import DbrType
from .enum_states import same_states
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
    by length and then element by element. A char array that is empty equals one that holds a single NUL: both are the
    empty text, and an lso that was written once is never without its NUL again (lsoRecord.c, LEN).
    """
    both = stored.ok & other.ok
    verdicts = np.where(stored.ok | other.ok, Verdict.MISSING, Verdict.UNKNOWN).astype(np.uint8)
    verdicts[both] = Verdict.DIFFERENT
    alike = both & (stored.count == other.count)
    left_text, right_text = stored.dbr_type == DbrType.STRING, other.dbr_type == DbrType.STRING
    enums = (stored.dbr_type == DbrType.ENUM) & (other.dbr_type == DbrType.ENUM)
    texts, states, values = (
        np.flatnonzero(alike & kind) for kind in (left_text & right_text, enums, ~(left_text | right_text | enums))
    )
    verdicts[texts[_same_texts(stored, other, texts)]] = Verdict.EQUAL
    verdicts[states[same_states(stored, other, states)]] = Verdict.EQUAL
    verdicts[values[_same_numbers(stored, other, values, abs_tol, rel_tol)]] = Verdict.EQUAL
    verdicts[both & _empty_texts(stored) & _empty_texts(other)] = Verdict.EQUAL
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
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        rounded = numbers.astype(np.float32).astype(np.float64)
    return np.where(np.isfinite(rounded), rounded, numbers)


def _same_texts(stored: Readings, other: Readings, rows: Rows) -> NDArray[np.bool_]:
    same = same_bytes(stored, other, rows)
    # Strings of an array may be padded differently, as they come from a server.
    for place in np.flatnonzero(~same & (stored.count[rows] != 1)).tolist():
        same[place] = stored.value(rows[place]) == other.value(rows[place])
    return same


def _empty_texts(side: Readings) -> NDArray[np.bool_]:
    """Char arrays with nothing in them, or a single NUL."""
    empty: NDArray[np.bool_] = (side.dbr_type == DbrType.CHAR) & ((side.count == 0) | ((side.count == 1) & (side.bits == 0)))
    return empty


def _same_numbers(
    stored: Readings, other: Readings, rows: Rows, abs_tol: NDArray[np.float64], rel_tol: NDArray[np.float64]
) -> NDArray[np.bool_]:
    equal = np.zeros(len(stored), np.bool_)
    equal[rows] = (stored.dbr_type[rows] == other.dbr_type[rows]) & same_bytes(stored, other, rows)
    equal[rows[stored.count[rows] == 0]] = True
    for batch in numbers(stored, other, rows[~equal[rows]]):
        tolerances = batch.per_element(abs_tol), batch.per_element(rel_tol)
        within = close(batch.stored, batch.other, *tolerances, single_precision=batch.single_precision)
        equal[batch.rows] = batch.all(within)
    return equal[rows]
