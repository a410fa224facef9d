"""Readings give back to the last bit what was put in, whatever is done with their rows."""

import struct
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapioc.model import (
    DTYPES,
    EPICS_EPOCH,
    DbrType,
    Flag,
    Metadata,
    Reading,
    Readings,
    ReadingsBuilder,
    Reason,
    Severity,
    Value,
)
from tests.unit.model.make import NUMERIC, ROWS, VALUES, Row, array, bits_of, readings, same_bits

QUIET_NAN = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]
NEGATIVE_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0001))[0]


def assert_same_rows(left: Readings, right: Readings) -> None:
    """Everything that is known of each row is the same; metadata may be numbered differently."""
    assert len(left) == len(right)
    assert left.same_values(right).tolist() == left.ok.tolist()
    for row in range(len(left)):
        ours, theirs = left.reading(row), right.reading(row)
        assert same_bits(ours.value, theirs.value)
        assert _but_value(ours) == _but_value(theirs)
        assert left.bits[row] == right.bits[row]


def _but_value(reading: Reading) -> dict[str, Any]:
    return {name: getattr(reading, name) for name in Reading.__slots__ if name != "value"}


@pytest.mark.parametrize(
    ("dbr_type", "value"),
    [
        (DbrType.DOUBLE, 0.1),
        (DbrType.DOUBLE, -0.0),
        (DbrType.DOUBLE, float("inf")),
        (DbrType.DOUBLE, float("-inf")),
        (DbrType.DOUBLE, QUIET_NAN),
        (DbrType.DOUBLE, NEGATIVE_NAN),
        (DbrType.DOUBLE, 5e-324),
        (DbrType.DOUBLE, 1.7976931348623157e308),
        (DbrType.FLOAT, -0.0),
        (DbrType.FLOAT, float("-inf")),
        (DbrType.FLOAT, 2.0**-149),
        (DbrType.LONG, -(2**31)),
        (DbrType.LONG, 2**31 - 1),
        (DbrType.SHORT, -(2**15)),
        (DbrType.SHORT, 2**15 - 1),
        (DbrType.CHAR, 0),
        (DbrType.CHAR, 255),
        (DbrType.ENUM, 0),
        (DbrType.ENUM, 65535),
        (DbrType.STRING, b""),
        (DbrType.STRING, b"two words "),
        (DbrType.STRING, b"\xff\xfe caf\xe9"),
        (DbrType.STRING, b"x" * 39),
        (DbrType.STRING, b"x" * 16_000),
        (DbrType.STRING, []),
        (DbrType.STRING, [b"", b"a", b"x" * 39]),
        (DbrType.DOUBLE, array(DbrType.DOUBLE, QUIET_NAN, -0.0, NEGATIVE_NAN)),
        *((dbr_type, array(dbr_type)) for dbr_type in NUMERIC),
        *((dbr_type, array(dbr_type, 0, 1, 2)) for dbr_type in NUMERIC),
    ],
)
def test_a_value_comes_back_as_it_was(dbr_type: DbrType, value: Value) -> None:
    (found,) = (reading for reading in [readings((dbr_type, value)).reading(0)])
    assert same_bits(found.value, value)
    assert (found.reason, found.dbr_type) == (Reason.OK, dbr_type)
    assert found.count == (len(value) if isinstance(value, np.ndarray | list) else 1)


@given(st.sampled_from(NUMERIC).flatmap(lambda t: st.tuples(st.just(t), bits_of(t, st.integers(0, 4)))))
def test_any_bits_come_back(case: tuple[DbrType, np.ndarray[Any, Any]]) -> None:
    dbr_type, numbers = case
    whole = readings((dbr_type, numbers))
    if numbers.size == 1:
        assert whole.bits.tobytes()[: numbers.nbytes] == numbers.tobytes()
        assert whole.heap == b""
    else:
        assert whole.raw(0) == numbers.tobytes()
        assert whole.bits[0] == 0


@pytest.mark.parametrize(
    ("dbr_type", "value", "found"),
    [
        (DbrType.DOUBLE, array(DbrType.DOUBLE, 1.5), 1.5),
        (DbrType.STRING, [b"one"], b"one"),
        (DbrType.STRING, b"cut\0behind", b"cut"),
        (DbrType.STRING, [b"a\0b", b"\0"], [b"a", b""]),
        (DbrType.LONG, True, 1),
        (DbrType.LONG, 3.0, 3),
        (DbrType.DOUBLE, 3, 3.0),
        (DbrType.FLOAT, 0.1, float(np.float32(0.1))),
        (DbrType.LONG, np.array([1, 2], ">i4"), array(DbrType.LONG, 1, 2)),
        (DbrType.LONG, np.arange(6, dtype="<i4")[::2], array(DbrType.LONG, 0, 2, 4)),
        (DbrType.SHORT, np.array([1.0, -2.0]), array(DbrType.SHORT, 1, -2)),
    ],
)
def test_values_in_other_forms(dbr_type: DbrType, value: Value, found: Value) -> None:
    assert same_bits(readings((dbr_type, value)).value(0), found)


@pytest.mark.parametrize(
    ("dbr_type", "value"),
    [
        (DbrType.LONG, 2**31),
        (DbrType.LONG, -(2**31) - 1),
        (DbrType.LONG, 2**70),
        (DbrType.LONG, 1.5),
        (DbrType.LONG, float("nan")),
        (DbrType.LONG, np.array([1, 2**31])),
        (DbrType.LONG, np.array([1.5, 2.0])),
        (DbrType.LONG, np.array([1.0, 2.0**31])),
        (DbrType.SHORT, 2**15),
        (DbrType.CHAR, 256),
        (DbrType.CHAR, -1),
        (DbrType.CHAR, np.array([0, -1])),
        (DbrType.ENUM, -1),
        (DbrType.ENUM, 2**16),
        (DbrType.FLOAT, 1e300),
        (DbrType.FLOAT, np.array([1.0, -1e39])),
        (DbrType.DOUBLE, None),
        (DbrType.DOUBLE, "1.5"),
        (DbrType.DOUBLE, b"1.5"),
        (DbrType.STRING, "text"),
        (DbrType.STRING, 1),
        (DbrType.STRING, [b"a", b"x" * 40]),
    ],
)
def test_values_that_a_type_cannot_hold(dbr_type: DbrType, value: Any) -> None:
    builder = ReadingsBuilder(1)
    with pytest.raises((ValueError, OverflowError)):
        builder.add(0, dbr_type, value)
    assert builder.build().reading(0) == Reading(Reason.NOT_ASKED)


def test_all_that_is_known_of_a_reading() -> None:
    metadata = Metadata("mA", 3, (), (1.0,) * 8, 1)
    more = {"seconds": 2**32 - 1, "nanoseconds": 999_999_999, "status": 17, "severity": 3, "flags": Flag.CUT}
    reading = readings((DbrType.DOUBLE, 1.5, {**more, "metadata": metadata})).reading(0)
    assert reading.timestamp == pytest.approx(EPICS_EPOCH + 2**32, abs=1e-6)
    assert (reading.status, reading.severity, reading.flags) == (17, Severity.INVALID, Flag.CUT)
    assert reading.metadata == metadata


def test_rows_are_missing_until_they_are_set() -> None:
    builder = ReadingsBuilder(3, Reason.NO_ANSWER)
    builder.add(1, DbrType.LONG, 5)
    builder.missing(2, Reason.DISCONNECTED)
    found = builder.build(started=100.0, finished=100.25)
    assert found.ok.tolist() == [False, True, False]
    assert [found.reading(row).reason for row in range(3)] == [Reason.NO_ANSWER, Reason.OK, Reason.DISCONNECTED]
    assert [found.value(row) for row in range(3)] == [None, 5, None]
    assert (found.skew, builder.build(5.0, 4.0).skew) == (0.25, 0.0)


@given(st.lists(ROWS, min_size=1, max_size=6), st.randoms())
def test_rows_may_be_set_in_any_order(rows: list[Row], random: Random) -> None:
    builder = ReadingsBuilder(len(rows))
    for row in random.sample(range(len(rows)), len(rows)):
        match rows[row]:
            case Reason() as reason:
                builder.missing(row, reason)
            case (dbr_type, value, more):
                builder.add(row, dbr_type, value, **more)
    assert_same_rows(builder.build(), readings(*rows))


def test_no_rows() -> None:
    empty = ReadingsBuilder(0).build()
    assert (len(empty), empty.heap, empty.offsets.tolist()) == (0, b"", [0])
    assert len(empty.select([])) == len(empty.same_values(empty)) == 0


def test_a_row_may_be_set_again() -> None:
    builder = ReadingsBuilder(3)
    first: dict[str, Any] = {"severity": 3, "seconds": 7, "flags": Flag.LONG, "metadata": Metadata("mA")}
    for row in range(3):
        builder.add(row, DbrType.STRING, b"the first text", **first)
    builder.add(0, DbrType.LONG, 1)
    builder.missing(1, Reason.NO_ANSWER)
    builder.missing(2, Reason.NO_ANSWER)
    builder.add(2, DbrType.STRING, b"x")
    assert_same_rows(builder.build(), readings((DbrType.LONG, 1), Reason.NO_ANSWER, (DbrType.STRING, b"x")))
    assert builder.build().heap == b"x"


def test_what_was_built_does_not_change_with_the_builder() -> None:
    builder = ReadingsBuilder(2)
    builder.add(0, DbrType.LONG, 1)
    early = builder.build()
    builder.add(0, DbrType.LONG, 2)
    builder.missing(1, Reason.NO_ANSWER)
    assert (early.value(0), early.reading(1).reason) == (1, Reason.NOT_ASKED)


def test_equal_metadata_is_kept_once() -> None:
    one, other = {"metadata": Metadata("mA")}, {"metadata": Metadata("T")}
    found = readings((DbrType.LONG, 1, one), (DbrType.LONG, 2, other), (DbrType.LONG, 3, one), (DbrType.LONG, 4))
    assert found.metadatas == (Metadata("mA"), Metadata("T"))
    assert found.metadata.tolist() == [0, 1, 0, -1]


@given(st.lists(ROWS, max_size=8), st.data())
def test_select_is_the_rows_asked_for(rows: list[Row], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), max_size=12)) if rows else []
    found = readings(*rows).select(chosen)
    assert_same_rows(found, readings(*(rows[row] for row in chosen)))
    assert len(found.heap) == found.offsets[-1]


@given(st.lists(ROWS, max_size=8), st.data())
def test_spread_puts_rows_back_where_they_were(rows: list[Row], data: st.DataObject) -> None:
    chosen = sorted(data.draw(st.sets(st.sampled_from(range(len(rows)))))) if rows else []
    spread = readings(*rows).select(chosen).spread(chosen, len(rows))
    expected = [row if number in chosen else Reason.NOT_ASKED for number, row in enumerate(rows)]
    assert_same_rows(spread, readings(*expected))


@given(st.lists(st.tuples(ROWS, VALUES, st.booleans()), max_size=8))
def test_replace_rows_takes_over_values_only(cases: list[tuple[Row, tuple[DbrType, Value], bool]]) -> None:
    old = readings(*((*row[:2], {"severity": 2}) if isinstance(row, tuple) else row for row, _, _ in cases))
    label = {"metadata": Metadata(labels=("new",))}
    new = readings(*((*value, label) for _, value, _ in cases))
    chosen = [row for row, (_, _, choose) in enumerate(cases) if choose and old.ok[row]]
    expected = []
    for number, (row, value, _) in enumerate(cases):
        more = {"severity": 2} | (label if number in chosen else {})
        expected.append((*(value if number in chosen else row[:2]), more) if isinstance(row, tuple) else row)
    assert_same_rows(old.replace_rows(chosen, new), readings(*expected))


def test_replaced_rows_keep_no_metadata_of_the_old_value() -> None:
    old = readings(*[(DbrType.LONG, 1, {"metadata": Metadata("mA")})] * 2)
    found = old.replace_rows([1], readings(Reason.NO_ANSWER, (DbrType.DOUBLE, 1.5)))
    assert [found.reading(row).metadata.units for row in range(2)] == ["mA", ""]


ONE = (DbrType.DOUBLE, 1.0)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (ONE, ONE, True),
        (ONE, (DbrType.DOUBLE, 1.0, {"severity": 3, "seconds": 5, "metadata": Metadata("mA")}), True),
        ((DbrType.DOUBLE, QUIET_NAN), (DbrType.DOUBLE, QUIET_NAN), True),
        ((DbrType.DOUBLE, QUIET_NAN), (DbrType.DOUBLE, NEGATIVE_NAN), False),
        ((DbrType.DOUBLE, 0.0), (DbrType.DOUBLE, -0.0), False),
        ((DbrType.DOUBLE, 1.0), (DbrType.FLOAT, 1.0), False),
        ((DbrType.LONG, 1), (DbrType.SHORT, 1), False),
        ((DbrType.CHAR, 0), (DbrType.CHAR, array(DbrType.CHAR)), False),
        ((DbrType.CHAR, array(DbrType.CHAR)), (DbrType.CHAR, array(DbrType.CHAR)), True),
        ((DbrType.CHAR, array(DbrType.CHAR, 1, 2)), (DbrType.CHAR, array(DbrType.CHAR, 1, 3)), False),
        ((DbrType.CHAR, array(DbrType.CHAR, 1, 2)), (DbrType.CHAR, array(DbrType.CHAR, 1, 2, 3)), False),
        ((DbrType.CHAR, array(DbrType.CHAR, 1, 2)), (DbrType.SHORT, array(DbrType.SHORT, 1, 2)), False),
        ((DbrType.STRING, b""), (DbrType.STRING, b""), True),
        ((DbrType.STRING, b"a"), (DbrType.STRING, b"b"), False),
        ((DbrType.STRING, b"a"), (DbrType.STRING, [b"a"]), True),
        ((DbrType.STRING, [b"a", b"b"]), (DbrType.STRING, [b"a", b"b"]), True),
        ((DbrType.STRING, [b"a", b"b"]), (DbrType.STRING, [b"a", b"c"]), False),
        ((DbrType.STRING, []), (DbrType.STRING, b""), False),
        (ONE, Reason.NO_ANSWER, False),
        (Reason.NO_ANSWER, Reason.NO_ANSWER, False),
    ],
)
def test_same_values(left: Row, right: Row, same: bool) -> None:
    for one, other in ((left, right), (right, left)):
        # A row before and behind: heap and columns of neighbours must not run into each other.
        around = (DbrType.STRING, b"around")
        verdict = readings(around, one, around).same_values(readings(around, other, around))
        assert verdict.tolist() == [True, same, True]


def test_the_dtypes_are_as_wide_as_the_types_of_channel_access() -> None:
    assert {t.name: DTYPES[t].itemsize for t in DbrType} == {
        "STRING": 40,
        "SHORT": 2,
        "FLOAT": 4,
        "ENUM": 2,
        "CHAR": 1,
        "LONG": 4,
        "DOUBLE": 8,
    }
