"""What an interrupted restore has done to a PV: every class, and every edge between two of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapioc.model import Aftermath, DbrType, PvVerdict, Reason, classify
from tests.unit.model.make import ROWS, Row, array, enum, readings

D, F, L, S = DbrType.DOUBLE, DbrType.FLOAT, DbrType.LONG, DbrType.STRING
RESTORED, PREVIOUS = PvVerdict.RESTORED, PvVerdict.PREVIOUS
SOMETHING_ELSE, UNREACHABLE = PvVerdict.SOMETHING_ELSE, PvVerdict.UNREACHABLE


def one(wanted: Row, previous: Row, now: Row, abs_tol: float = 0.0, rel_tol: float = 0.0) -> Aftermath:
    return classify(readings(wanted), readings(previous), readings(now), np.array([abs_tol]), np.array([rel_tol]))


@pytest.mark.parametrize(
    ("wanted", "previous", "now", "abs_tol", "verdict", "touched", "exact"),
    [
        ((D, 2.0), (D, 1.0), (D, 2.0), 0, RESTORED, True, True),
        ((D, 2.0), (D, 1.0), (D, 1.0), 0, PREVIOUS, False, False),
        ((D, 2.0), (D, 1.0), (D, 1.5), 0, SOMETHING_ELSE, True, False),
        ((D, 2.0), (D, 1.0), Reason.DISCONNECTED, 0, UNREACHABLE, True, False),
        # The same value counts before one within the tolerance, the wanted one before the previous one.
        ((D, 2.0), (D, 1.0), (D, 1.0), 5, PREVIOUS, False, False),
        ((D, 2.0), (D, 1.0), (D, 1.01), 5, RESTORED, True, False),
        ((D, 2.0), (D, 1.0), (D, 2.01), 0.1, RESTORED, True, False),
        # It may have been written: it holds the value before only as far as the tolerance can tell.
        ((D, 2.0), (D, 1.0), (D, 1.01), 0.1, PREVIOUS, True, False),
        ((D, 1.0), (D, 1.0), (D, 1.0), 0, RESTORED, False, True),
        ((D, 1.0), (D, 1.0), Reason.NO_ANSWER, 0, UNREACHABLE, True, False),
        ((D, 0.0), (D, -0.0), (D, -0.0), 0, PREVIOUS, False, False),
        ((D, 0.0), (D, -0.0), (D, 0.0), 0, RESTORED, True, True),
        ((D, np.nan), (D, 1.0), (D, np.nan), 0, RESTORED, True, True),
        # The record has another type now: what was written is the same number in that type.
        ((D, 2.0), (L, 1), (L, 2), 0, RESTORED, True, False),
        ((D, 2.0), (L, 1), (L, 1), 1, PREVIOUS, False, False),
        ((D, 2.0), (L, 2), (L, 2), 0, RESTORED, False, False),
        ((S, b"new"), (S, b"old"), (S, b"new"), 0, RESTORED, True, True),
        ((S, b"new"), (S, b"old"), (S, b"older"), 9, SOMETHING_ELSE, True, False),
        ((D, array(D, 1, 2)), (D, array(D, 1)), (D, array(D, 1, 2)), 0, RESTORED, True, True),
        ((D, array(D, 1, 2)), (D, array(D, 1, 3)), (D, array(D, 1, 3)), 0, PREVIOUS, False, False),
        ((D, array(D, 1, 2)), (D, array(D, 1, 3)), (D, array(D, 1, 2, 3)), 9, SOMETHING_ELSE, True, False),
        # States go by their labels: the labels have moved since the snapshot.
        (enum(1, "Off", "On"), enum(1, "On", "Off"), enum(0, "On", "Off"), 0, RESTORED, True, False),
        (enum(1, "Off", "On"), enum(1, "On", "Off"), enum(1, "On", "Off"), 0, PREVIOUS, False, False),
        (enum(1, "Off", "On"), enum(0, "Off", "On"), enum(1, "Off", "On"), 0, RESTORED, True, True),
        (enum(0, "Off", "On"), enum(1, "Off", "On"), enum(0, "On", "Off"), 0, PREVIOUS, False, False),
        # The restored snapshot is lost.
        (Reason.NOT_ASKED, (D, 1.0), (D, 1.0), 0, PREVIOUS, False, False),
        (Reason.NOT_ASKED, (D, 1.0), (D, 2.0), 0, SOMETHING_ELSE, True, False),
        (Reason.NOT_ASKED, (D, 1.0), Reason.DISCONNECTED, 0, UNREACHABLE, True, False),
    ],
)
def test_each_class(
    wanted: Row, previous: Row, now: Row, abs_tol: float, verdict: PvVerdict, touched: bool, exact: bool
) -> None:
    found = one(wanted, previous, now, abs_tol)
    assert (PvVerdict(found.verdicts[0]), bool(found.touched[0]), bool(found.exact[0])) == (verdict, touched, exact)


def test_a_relative_tolerance_is_of_the_value_that_is_compared() -> None:
    assert one((D, 100.0), (D, 1.0), (D, 109.0), rel_tol=0.1).rows(RESTORED) == [0]
    assert one((D, 100.0), (D, 1.0), (D, 1.09), rel_tol=0.1).rows(PREVIOUS) == [0]
    assert one((D, 100.0), (D, 1.0), (D, 1.11), rel_tol=0.1).rows(SOMETHING_ELSE) == [0]


def test_each_row_has_a_verdict_of_its_own() -> None:
    wanted = readings((D, 2.0), (S, b"b"), (L, 2), (F, 2.0), (D, 9.0))
    previous = readings((D, 1.0), (S, b"a"), (L, 1), (F, 1.0), (D, 9.5))
    now = readings((D, 2.0), (S, b"a"), (L, 3), Reason.NO_ANSWER, (D, 9.1))
    found = classify(wanted, previous, now, np.array([0, 0, 0, 0, 0.2]), np.zeros(5))
    assert [PvVerdict(code) for code in found.verdicts] == [RESTORED, PREVIOUS, SOMETHING_ELSE, UNREACHABLE, RESTORED]
    assert found.touched.tolist() == [True, False, True, True, True]
    assert found.exact.tolist() == [True, False, False, False, False]
    assert (found.count(RESTORED), found.rows(SOMETHING_ELSE, UNREACHABLE)) == (2, [2, 3])


@given(st.lists(st.tuples(ROWS, ROWS), min_size=1, max_size=5))
def test_what_reads_as_wanted_is_restored_and_what_reads_as_before_is_untouched(pairs: list[tuple[Row, Row]]) -> None:
    wanted, previous = (readings(*(pair[side] for pair in pairs)) for side in (0, 1))
    zero = np.zeros(len(pairs))
    there = wanted.ok
    assert (classify(wanted, previous, wanted, zero, zero).verdicts == np.where(there, RESTORED, UNREACHABLE)).all()
    assert (classify(wanted, previous, wanted, zero, zero).exact == there).all()
    assert (classify(wanted, previous, previous, zero, zero).touched == ~previous.ok).all()


def test_no_rows() -> None:
    assert len(classify(readings(), readings(), readings(), np.zeros(0), np.zeros(0)).verdicts) == 0
