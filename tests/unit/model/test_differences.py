"""Differences in words, and in the order in which an operator should see them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from snapioc.model import (
    DbrType,
    Difference,
    Member,
    PvSet,
    Reason,
    Snapshot,
    compare_live,
    differences,
    largest_first,
)
from tests.unit.commands.snapshots import snapshot_of
from tests.unit.model.make import Row, array, enum, readings

INF, NAN = math.inf, math.nan
D, F, L, S, C, T = DbrType.DOUBLE, DbrType.FLOAT, DbrType.LONG, DbrType.SHORT, DbrType.CHAR, DbrType.STRING


def found(*rows: tuple[Row, Row, float, float]) -> list[Difference]:
    """The differences, largest first, of PVs named A, B, ...: stored, live, abs_tol and rel_tol of each."""
    names = [chr(ord("A") + number) for number in range(len(rows))]
    members = tuple(Member(pv, abs_tol=row[2], rel_tol=row[3]) for pv, row in zip(names, rows, strict=True))
    header = snapshot_of({}).header
    stored = Snapshot(header, PvSet("S", members), readings(*(row[0] for row in rows)))
    compared = compare_live(stored, names, readings(*(row[1] for row in rows)))
    return list(differences(compared, largest_first(compared)))


def order(*rows: tuple[Row, Row, float, float]) -> str:
    return "".join(difference.pv for difference in found(*rows))


@pytest.mark.parametrize(
    ("stored", "other", "text"),
    [
        ((D, 1.0), (D, 1.25), "+0.25"),
        ((D, 1.0), (L, 0), "-1"),
        ((L, 5), (L, -5), "-10"),
        ((L, -(2**31)), (L, 2**31 - 1), "+4.29497e+09"),
        ((C, 255), (C, 0), "-255"),
        ((F, 0.1), (D, 0.35), "+0.25"),
        ((D, 1.0), (D, NAN), "other value"),
        ((D, 1.0), (D, -INF), "other value"),
        ((D, 1.0), Reason.DISCONNECTED, "missing on one side"),
        (Reason.DISCONNECTED, (T, b"a"), "missing on one side"),
        ((T, b"a"), (T, b"b"), "other value"),
        ((T, [b"a", b"b"]), (T, [b"a"]), "2 -> 1 elements"),
        ((T, b"a"), (D, 1.0), "STRING -> DOUBLE"),
        (enum(0, "Off", "On"), enum(1, "Off", "On"), "other value"),
        (enum(0), (L, 1), "ENUM -> LONG"),
        ((D, np.zeros(3)), (D, np.zeros(2)), "3 -> 2 elements"),
        ((D, array(D, 1, 2, NAN)), (D, array(D, 1, 2.5, NAN)), "1 of 3 elements, at most 0.5"),
        ((D, array(D, 1, 2, NAN)), (D, array(D, NAN, 2.5, 1)), "3 of 3 elements, at most 0.5"),
        ((D, array(D, 1, 2)), (D, array(D, NAN, 2)), "1 of 2 elements"),
        ((C, array(C, 1, 255)), (S, array(S, 1, -1)), "1 of 2 elements, at most 256"),
    ],
)
def test_by_how_much_two_readings_differ(stored: Row, other: Row, text: str) -> None:
    (difference,) = found((stored, other, 0.0, 0.0))
    assert difference.difference == text


def test_of_an_array_only_elements_beyond_the_tolerance_count() -> None:
    (difference,) = found(((D, array(D, 1, 2, 3)), (D, array(D, 1.1, 2.5, 3)), 0.2, 0.0))
    assert difference.difference == "1 of 3 elements, at most 0.5"


def test_both_values_are_shown() -> None:
    (difference,) = found((enum(0, "Off", "On"), enum(1, "Off", "On"), 0.0, 0.0))
    assert difference == Difference("A", "Off (0)", "On (1)", "other value")


def test_what_is_equal_is_no_difference() -> None:
    assert order(((D, 1.0), (D, 1.1), 0.2, 0.0), (Reason.NO_ANSWER, Reason.NO_ANSWER, 0.0, 0.0)) == ""


def test_states_texts_and_types_come_first_and_what_is_missing_last() -> None:
    assert (
        order(
            ((D, 1.0), Reason.DISCONNECTED, 0.0, 0.0),
            ((D, 1.0), (D, 1e9), 0.0, 0.0),
            (enum(0, "Off", "On"), enum(1, "Off", "On"), 0.0, 0.0),
            (Reason.NO_ANSWER, (D, 1.0), 0.0, 0.0),
            ((T, b"a"), (T, b"b"), 0.0, 0.0),
            ((D, 1.0), (T, b"1"), 0.0, 0.0),
            ((D, 0.0), (D, NAN), 0.0, 0.0),
            ((D, array(D, 1, 2)), (D, array(D, 1, 2, 3)), 0.0, 0.0),
        )
        == "CEFGHBAD"
    )


def test_numbers_by_how_many_tolerances_they_differ() -> None:
    assert (
        order(
            ((D, 100.0), (D, 110.0), 1.0, 0.0),  # 10 times
            ((D, 0.0), (D, 0.003), 0.0001, 0.0),  # 30 times
            ((D, -100.0), (D, -120.0), 0.0, 0.01),  # 20 times
            ((D, 100.0), (D, 105.0), 0.1, 0.04),  # 1.25 times the larger of both
        )
        == "BCAD"
    )


def test_without_a_tolerance_one_per_cent_of_the_larger_value_stands_in() -> None:
    assert (
        order(
            ((D, 100.0), (D, 102.0), 0.0, 0.0),  # about 2 %
            ((D, 1e-9), (D, -1e-9), 0.0, 0.0),  # 200 %
            ((D, 1.0), (D, 1.0 + 3e-9), 1e-9, 0.0),  # 3 times
            ((D, 0.0), (D, 1e-30), 0.0, 0.0),  # 100 %, whatever the unit
            ((L, 2**31 - 1), (L, -(2**31)), 0.0, 0.0),  # 200 %
        )
        == "BEDCA"
    )


def test_of_an_array_the_worst_element_counts() -> None:
    assert (
        order(
            ((D, array(D, 1, 1)), (D, array(D, 1, 3)), 1.0, 0.0),
            ((D, array(D, 1, 1)), (D, array(D, 6, 1)), 1.0, 0.0),
            ((D, 1.0), (D, 4.0), 1.0, 0.0),
            ((D, array(D, 1, 1)), (D, array(D, 1, INF)), 1.0, 0.0),
            ((D, array(D, NAN, INF, 1)), (D, array(D, NAN, INF, 7)), 1.0, 0.0),
        )
        == "DEBCA"
    )


def test_equal_sizes_stay_in_the_order_of_the_set() -> None:
    assert order(*[((D, 1.0), (D, 2.0), 0.5, 0.0)] * 20) == "ABCDEFGHIJKLMNOPQRST"
