"""Stored values become what the channels take now, exactly or not at all."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapioc.model import DTYPES, DbrType, Metadata
from snapioc.model.coerce import coerce
from tests.unit.model.make import NUMERIC, Row, array, bits_of, enum, live, readings, same_bits

INF, NAN = float("inf"), float("nan")
F, D, L, S, C, E, T = (
    DbrType.FLOAT,
    DbrType.DOUBLE,
    DbrType.LONG,
    DbrType.SHORT,
    DbrType.CHAR,
    DbrType.ENUM,
    DbrType.STRING,
)


@pytest.mark.parametrize(
    ("stored", "now", "value"),
    [
        ((D, 1.5), (D, 1), 1.5),
        ((D, NAN), (D, 1), NAN),
        ((D, array(D, 1, 2)), (D, 5), array(D, 1, 2)),
        ((D, array(D)), (L, 5), array(L)),
        ((L, 3), (D, 1), 3.0),
        ((L, -(2**31)), (D, 1), -(2.0**31)),
        ((D, 2.0**31 - 1), (L, 1), 2**31 - 1),
        ((D, -(2.0**31)), (L, 1), -(2**31)),
        ((D, -0.0), (L, 1), 0),
        ((D, 1.5), (F, 1), 1.5),
        ((D, INF), (F, 1), INF),
        ((D, NAN), (F, 1), NAN),
        ((F, 0.1), (D, 1), float(np.float32(0.1))),
        ((F, 255.0), (C, 1), 255),
        ((C, 255), (S, 1), 255),
        ((L, 16_777_216), (F, 1), 16_777_216.0),
        ((L, array(L, 1, 2)), (D, 2), array(D, 1, 2)),
        ((D, array(D, 1, -2)), (S, 2), array(S, 1, -2)),
        ((L, 1), (E, 1), 1),
        ((L, 1), (E, 1, ("Off", "On")), 1),
        (enum(1, "Off", "On"), (L, 1), 1),
        (enum(1, "Off", "On"), (D, 1), 1.0),
        ((T, b"text"), (T, 1), b"text"),
        ((T, b"x" * 300), (T, 1), b"x" * 300),
        ((T, [b"a", b"b"]), (T, 2), [b"a", b"b"]),
    ],
)
def test_what_fits(stored: Row, now: Any, value: Any) -> None:
    around = (DbrType.STRING, b"around")
    found, faults = coerce(readings(around, stored, around), live((T, 1), now, (T, 1)))
    assert faults == {}
    assert DbrType(found.dbr_type[1]) is now[0]
    assert same_bits(found.value(1), value)
    assert found.value(0) == found.value(2) == b"around"


@pytest.mark.parametrize(
    ("stored", "now", "fault"),
    [
        ((D, 2.0**31), (L, 1), "stored as DOUBLE, and 2147483648.0 is no LONG, which the PV is now"),
        ((D, -(2.0**31) - 1), (L, 1), "stored as DOUBLE, and -2147483649.0 is no LONG, which the PV is now"),
        ((D, 1.5), (L, 1), "stored as DOUBLE, and 1.5 is no LONG, which the PV is now"),
        ((D, NAN), (L, 1), "stored as DOUBLE, and nan is no LONG, which the PV is now"),
        ((D, -INF), (S, 1), "stored as DOUBLE, and -inf is no SHORT, which the PV is now"),
        ((D, NAN), (E, 1), "stored as DOUBLE, and nan is no ENUM, which the PV is now"),
        ((D, 1e300), (F, 1), "stored as DOUBLE, and 1e+300 is no FLOAT, which the PV is now"),
        ((D, 0.1), (F, 1), "stored as DOUBLE, and 0.1 is no FLOAT, which the PV is now"),
        ((L, 16_777_217), (F, 1), "stored as LONG, and 16777217 is no FLOAT, which the PV is now"),
        ((L, 2**31 - 1), (F, 1), "stored as LONG, and 2147483647 is no FLOAT, which the PV is now"),
        ((L, 32768), (S, 1), "stored as LONG, and 32768 is no SHORT, which the PV is now"),
        ((L, -1), (C, 1), "stored as LONG, and -1 is no CHAR, which the PV is now"),
        ((L, -1), (E, 1), "stored as LONG, and -1 is no ENUM, which the PV is now"),
        ((C, 200), (T, 1), "stored as CHAR, but the PV is STRING now"),
        ((T, b"1"), (D, 1), "stored as STRING, but the PV is DOUBLE now"),
        (enum(1, "Off", "On"), (T, 1), "stored as ENUM, but the PV is STRING now"),
        ((L, array(L, 1, 70_000)), (S, 2), "stored as LONG, and 70000 is no SHORT, which the PV is now"),
        ((D, array(D, 1, 2, 3)), (D, 2), "3 elements do not fit in the 2 that the PV has now"),
        ((D, array(D, 1, 2, 3)), (L, 2), "3 elements do not fit in the 2 that the PV has now"),
        ((T, [b"a", b"b"]), (T, 1), "2 elements do not fit in the 1 that the PV has now"),
        (enum(array(E, 0, 1), "A", "B"), (E, 1, ("A", "B")), "2 elements do not fit in the 1 that the PV has now"),
    ],
)
def test_what_does_not_fit(stored: Row, now: Any, fault: str) -> None:
    whole = readings((D, 1.5), stored, (T, b"text"))
    found, faults = coerce(whole, live((D, 1), now, (T, 1)))
    assert faults == {1: fault}
    assert same_bits(found.value(1), whole.value(1))
    assert (found.value(0), found.value(2)) == (1.5, b"text")


@pytest.mark.parametrize(
    ("stored", "labels", "index"),
    [
        (enum(1, "Off", "On"), ("Off", "On"), 1),
        (enum(1, "Off", "On"), ("On", "Off"), 0),
        (enum(1, "Off", "On"), ("Unknown", "Off", "On"), 2),
        (enum(1, "Off", "On"), (), 1),
        (enum(1), ("Off", "On"), 1),
        (enum(9, "Off", "On"), ("Off", "On", "Fault"), 9),
        # Without a label of its own it goes by its index.
        (enum(1, "", ""), ("", "", "New"), 1),
        (enum(1, "Off", "", "Hold"), ("Start", "", "Hold"), 1),
        (enum(1, "Off", "", "Hold"), ("Off",), 1),
        (enum(2, "A", "B", "B"), ("B", "A", "B"), 2),
        (enum(1, "A", "B", "B"), ("A", "B", "C"), 1),
        (enum(5, "Off", "On"), ("Off", "On", "", "", "", "", "Fault"), 5),
        # A bo without ZNAM and ONAM has two empty labels, and gets names later or loses them.
        (enum(1, "", ""), ("Off", "On"), 1),
        (enum(1, "Off", "On"), ("", ""), 1),
        (enum(array(E, 0, 1, 2), "A", "", "C"), ("C", "", "A"), array(E, 2, 1, 0)),
        (enum(array(E, 0, 1, 0), "A", "B"), ("B", "A"), array(E, 1, 0, 1)),
    ],
)
def test_enums_by_label(stored: Row, labels: tuple[str, ...], index: Any) -> None:
    found, faults = coerce(readings(stored), live((E, 5, labels)))
    assert faults == {}
    assert same_bits(found.value(0), index)


@pytest.mark.parametrize(
    ("stored", "labels", "fault"),
    [
        (enum(1, "Off", "On"), ("Off", "Open"), "the PV has no state 'On' now"),
        (enum(1, "Off", "On"), ("Off",), "the PV has no state 'On' now"),
        (enum(0, "On", "Off"), ("Off", "On", "On"), "the PV has no state 'On' now"),
        (enum(2, "Off", "On"), ("Off", "On", "Fault"), "state 2 had no label when it was stored, but is 'Fault' now"),
        (enum(array(E, 0, 1), "A", "B"), ("A", "C"), "the PV has no state 'B' now"),
        # By index, but that is another state now.
        (
            enum(1, "Off", "", "Hold"),
            ("Off", "Ramp", "", "Hold"),
            "state 1 had no label when it was stored, but is 'Ramp' now",
        ),
        (
            enum(2, "A", "B", "B"),
            ("A", "B", "C"),
            "state 2 was 'B' as other states were when it was stored, but is 'C' now",
        ),
        (
            enum(2, "A", "B", "B"),
            ("A", "B"),
            "state 2 was 'B' as other states were when it was stored, but has no label now",
        ),
        (enum(3), ("Off", "On"), "the PV has no state 3 now, only 2 states"),
        (enum(2, "Off", "On", "Fault"), ("", ""), "the PV has no state 2 now, only 2 states"),
        ((L, 3), ("Off", "On"), "the PV has no state 3 now, only 2 states"),
        ((D, 2.0), ("", ""), "the PV has no state 2 now, only 2 states"),
        ((L, array(L, 0, 1, 3)), ("Off", "On"), "the PV has no state 3 now, only 2 states"),
    ],
)
def test_enums_whose_state_is_gone(stored: Row, labels: tuple[str, ...], fault: str) -> None:
    assert coerce(readings(stored), live((E, 5, labels)))[1] == {0: fault}


def test_a_moved_enum_carries_the_labels_of_its_new_index() -> None:
    stored = readings((E, 1, {"metadata": Metadata("u", labels=("Off", "On"))}), enum(0, "Off", "On"))
    found, _ = coerce(stored, live((E, 1, ("On", "Off")), (E, 1, ("Off", "On"))))
    assert found.reading(0).metadata == Metadata("u", labels=("On", "Off"))
    assert found.reading(1).metadata == Metadata(labels=("Off", "On"))


def test_nothing_to_change_is_not_copied() -> None:
    stored = readings((D, 1.5), enum(1, "Off", "On"), (T, b"text"))
    assert coerce(stored, live((D, 1), (E, 1, ("Off", "On")), (T, 1)))[0] is stored


def test_only_type_count_and_value_change() -> None:
    more = {"seconds": 5, "nanoseconds": 6, "status": 7, "severity": 2}
    found, _ = coerce(readings((L, 3, more)), live((D, 1)))
    reading = found.reading(0)
    assert (reading.status, reading.severity, int(found.seconds[0]), int(found.nanoseconds[0])) == (7, 2, 5, 6)


NUMBERS = st.sampled_from(NUMERIC).flatmap(lambda t: st.tuples(st.just(t), bits_of(t, st.integers(0, 4))))


@given(NUMBERS, st.sampled_from(NUMERIC))
def test_a_number_arrives_as_it_is_or_not_at_all(case: tuple[DbrType, np.ndarray[Any, Any]], now: DbrType) -> None:
    numbers = case[1]
    found, faults = coerce(readings(case), live((now, 4)))
    if faults:
        assert case[0] is not now
        return
    with np.errstate(invalid="ignore"):
        stored, arrived = numbers.astype(np.float64), np.atleast_1d(np.asarray(found.value(0), np.float64))
    assert found.dbr_type[0] == now
    assert np.array_equal(stored, arrived, equal_nan=True)


@given(st.floats() | st.integers(-(2**40), 2**40).map(float), st.sampled_from([L, S, C, E]))
def test_a_double_becomes_every_integer_that_it_is(number: float, now: DbrType) -> None:
    limits = np.iinfo(DTYPES[now])
    fits = number == number and limits.min <= number <= limits.max and number == int(number)
    assert (coerce(readings((D, number)), live((now, 1)))[1] == {}) == fits


@given(st.lists(st.text(min_size=1, max_size=2), min_size=1, max_size=16, unique=True), st.data())
def test_any_reordering_of_unique_labels_is_followed(labels: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(labels) - 1))
    moved = data.draw(st.permutations(labels))
    found, faults = coerce(readings(enum(index, *labels)), live((E, 1, moved)))
    assert faults == {}
    assert moved[found.value(0)] == labels[index]  # type: ignore[index]


def test_an_enum_whose_live_labels_are_not_known_yet_is_not_written() -> None:
    states = replace(live((E, 1)), metadata=np.array([-1], np.int32))
    assert coerce(readings(enum(1, "Closed", "Open")), states)[1] == {
        0: "the labels that the PV's states have now are not known yet"
    }
    assert coerce(readings(enum(1)), states)[1] == {}
