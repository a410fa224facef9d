"""What differs, in a person's words and the largest first: the lines of DIFFERENCES and of `snapioc diff`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .batches import Numbers, numbers
from .compare import Verdict, close
from .comparison import Comparison
from .dbr import DbrType
from .text import shown

NO_TOLERANCE = 0.01
"""The size of a difference is told in parts of the larger value where the set says no tolerance."""

OTHER_VALUE = "other value"
"""The difference of states, texts and what is no number: it has no size."""

ONE_SIDE = "missing on one side"


@dataclass(frozen=True, slots=True)
class Difference:
    """One PV that differs: its values on both sides and by how much they differ, as texts."""

    pv: str
    stored: str
    other: str
    difference: str


def largest_first(compared: Comparison) -> NDArray[np.intp]:
    """The rows that differ, those first that an operator should see first; equal ones in the order of the set.

    First stands what has no size and changes what a device does: other states, texts, types and lengths, and NaN or an
    infinity on one side. Then come numbers by how many times their tolerance (the larger of `abs_tol` and `rel_tol`) they
    differ; where the set says no tolerance, 1 % of the larger value stands in for it, so that no difference of units or
    of magnitude decides. Of an array its worst element counts. Last stands what is missing on one side: an IOC that
    is down would bury all else, and FAILURES names its PVs too.
    """
    rows = compared.differing
    sizes = np.full(len(compared.pvs), np.inf)
    sizes[compared.verdicts == Verdict.MISSING] = -1.0
    for batch in numbers(compared.stored, compared.other, rows[_have_size(compared, rows)]):
        sizes[batch.rows] = _sizes(batch, compared)
    return rows[np.argsort(-sizes[rows], kind="stable")]


def differences(compared: Comparison, rows: Sequence[int] | NDArray[np.intp]) -> Iterator[Difference]:
    """The given rows in words, one after the other as they are taken."""
    for row in map(int, rows):
        readings = compared.stored.reading(row), compared.other.reading(row)
        yield Difference(compared.pvs[row], shown(readings[0]), shown(readings[1]), _difference(compared, row))


def _have_size(compared: Comparison, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    left, right = compared.stored, compared.other
    sized: NDArray[np.bool_] = (compared.verdicts[rows] == Verdict.DIFFERENT) & (left.count[rows] == right.count[rows])
    for kind in (DbrType.STRING, DbrType.ENUM):
        sized &= (left.dbr_type[rows] != kind) & (right.dbr_type[rows] != kind)
    return sized


def _sizes(batch: Numbers, compared: Comparison) -> NDArray[np.float64]:
    """Per row the size of the largest difference between two elements that are not equal."""
    abs_tol, rel_tol = batch.per_element(compared.abs_tol), batch.per_element(compared.rel_tol)
    magnitudes = np.abs(batch.stored), np.abs(batch.other)
    with np.errstate(all="ignore"):
        tolerance = np.maximum(abs_tol, np.where(rel_tol > 0, rel_tol * magnitudes[0], 0.0))
        scale = np.where(tolerance > 0, tolerance, NO_TOLERANCE * np.maximum(*magnitudes))
        sizes = np.abs(batch.other - batch.stored) / scale
    sizes[np.isnan(sizes)] = np.inf
    equal = close(batch.stored, batch.other, abs_tol, rel_tol, single_precision=batch.single_precision)
    sizes[equal] = 0.0
    return batch.largest(sizes)


def _difference(compared: Comparison, row: int) -> str:
    """By how much one row differs: `+0.25`, `3 of 16 elements, at most 0.5`, `3 -> 2 elements`, or one of the words."""
    if compared.verdicts[row] == Verdict.MISSING:
        return ONE_SIDE
    left, right = compared.stored, compared.other
    types = DbrType(left.dbr_type[row]), DbrType(right.dbr_type[row])
    if types[0] != types[1] and not {DbrType.STRING, DbrType.ENUM}.isdisjoint(types):
        return f"{types[0].name} -> {types[1].name}"
    if left.count[row] != right.count[row]:
        return f"{left.count[row]} -> {right.count[row]} elements"
    if types[0] in (DbrType.STRING, DbrType.ENUM):
        return OTHER_VALUE
    (batch,) = numbers(left, right, np.array([row]))
    return _of_numbers(batch, float(compared.abs_tol[row]), float(compared.rel_tol[row]))


def _of_numbers(batch: Numbers, abs_tol: float, rel_tol: float) -> str:
    left, right = batch.stored, batch.other
    with np.errstate(invalid="ignore", over="ignore"):
        by = right - left
    if by.size == 1:
        return f"{by[0]:+.6g}" if np.isfinite(by[0]) else OTHER_VALUE
    unequal = ~close(left, right, abs_tol, rel_tol, single_precision=batch.single_precision)
    finite = np.abs(by[unequal & np.isfinite(by)])
    largest = f", at most {finite.max():.6g}" if finite.size else ""
    return f"{np.count_nonzero(unequal)} of {by.size} elements{largest}"
