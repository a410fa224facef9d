"""A comparison with the live machine once more: a look each second must not cost what a first one does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .batches import Rows, same_bytes
from .compare import Verdict, compare
from .comparison import Comparison
from .dbr import DbrType
from .enum_states import label_numbers
from .readings import Readings


def compare_again(before: Comparison, live: Readings) -> Comparison:
    """What `compare_live` of the same PVs says of new readings; `before` itself if no PV holds another value than then.

    A PV that holds what it held, bit for bit and with the same labels, keeps its verdict; only the others are compared.
    """
    rows = changed_rows(before.other, live)
    if len(rows) == 0:
        return before
    verdicts = before.verdicts.copy()
    verdicts[rows] = compare(before.stored.select(rows), live.select(rows), before.abs_tol[rows], before.rel_tol[rows])
    return replace(before, other=live, verdicts=verdicts)


def found_same(before: Comparison, after: Comparison) -> bool:
    """Whether two comparisons of the same PVs say the same: equal verdicts, and equal values where they are not EQUAL."""
    if before is after:
        return True
    if not np.array_equal(before.verdicts, after.verdicts):
        return False
    rows = np.flatnonzero(before.verdicts != Verdict.EQUAL)
    return len(changed_rows(before.other.select(rows), after.other.select(rows))) == 0


def changed_rows(before: Readings, now: Readings) -> Rows:
    """The rows that do not hold the same: another value bit for bit, another label, or missing for another reason."""
    same: NDArray[np.bool_] = (
        (before.reason == now.reason)
        & (before.dbr_type == now.dbr_type)
        & (before.count == now.count)
        & (before.bits == now.bits)
    )
    if before.heap != now.heap or not np.array_equal(before.offsets, now.offsets):
        in_heap = np.flatnonzero(same & before.in_heap)
        same[in_heap] = same_bytes(before, now, in_heap)
    states = np.flatnonzero(same & before.ok & (before.dbr_type == DbrType.ENUM))
    known: dict[tuple[str, ...], int] = {}
    same[states] = label_numbers(before, states, known) == label_numbers(now, states, known)
    return np.flatnonzero(~same)
