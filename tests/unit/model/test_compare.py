"""The one rule of equality, with every edge that issue 4 names."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapioc.model import DbrType, Metadata, Reading, Readings, Reason, Verdict, batches, check, close, compare
from tests.unit.model.make import ROWS, VALUES, Row, array, enum, live, readings

INF, NAN = float("inf"), float("nan")
F, D, L, S, C = DbrType.FLOAT, DbrType.DOUBLE, DbrType.LONG, DbrType.SHORT, DbrType.CHAR
EQUAL, DIFFERENT, MISSING, UNKNOWN = Verdict


def verdict(stored: Row, other: Row, abs_tol: float = 0.0, rel_tol: float = 0.0) -> Verdict:
    """The verdict on one row that has neighbours of other kinds."""
    around = (DbrType.STRING, b"around"), (DbrType.DOUBLE, NAN), Reason.NO_ANSWER
    left, right = readings(*around, stored, *around), readings(*around, other, *around)
    tolerances = np.full(7, abs_tol), np.full(7, rel_tol)
    found = compare(left, right, *tolerances).tolist()
    assert found[:3] == found[4:] == [EQUAL, EQUAL, UNKNOWN]
    return Verdict(found[3])


@pytest.mark.parametrize(
    ("stored", "other", "abs_tol", "rel_tol", "equal"),
    [
        ((D, 1.0), (D, 1.0), 0, 0, True),
        ((D, 1.0), (D, np.nextafter(1.0, 2.0)), 0, 0, False),
        ((D, 0.0), (D, -0.0), 0, 0, True),
        # Either tolerance suffices; its edge belongs to it, and rel_tol is of the stored value.
        ((D, 1.0), (D, 1.5), 0.5, 0, True),
        ((D, 1.0), (D, 1.5), np.nextafter(0.5, 0), 0, False),
        ((D, 1.0), (D, 1.5), 0, 0.5, True),
        ((D, 2.0), (D, 1.0), 0, 0.5, True),
        ((D, 1.0), (D, 2.0), 0, 0.5, False),
        ((D, -2.0), (D, -1.0), 0, 0.5, True),
        ((D, 100.0), (D, 101.0), 0.5, 0.01, True),
        ((D, 1.0), (D, 1.4), 0.5, 0.01, True),
        ((D, 0.0), (D, 1e-9), 0, 0.5, False),
        # NaN and infinities, which no tolerance makes equal to anything else.
        ((D, NAN), (D, -NAN), 0, 0, True),
        ((D, NAN), (D, 1.0), 1e9, 1e9, False),
        ((D, INF), (D, INF), 0, 0, True),
        ((D, INF), (D, -INF), 1e9, 1e9, False),
        ((D, INF), (D, 1.0), 1e9, 1.0, False),
        ((D, 1.0), (D, INF), 1e9, 1e9, False),
        ((D, NAN), (D, INF), 1e9, 1e9, False),
        ((D, 1.7e308), (D, -1.7e308), 1e300, 0, False),
        ((D, 1.7e308), (D, 1.6e308), 0, 1e9, True),
        # float32 on either side.
        ((F, 0.1), (F, 0.1), 0, 0, True),
        ((F, 0.1), (D, 0.1), 0, 0, True),
        ((D, 0.1), (F, 0.1), 0, 0, True),
        ((D, 0.1), (F, np.nextafter(np.float32(0.1), np.float32(1)).item()), 0, 0, False),
        ((L, 16_777_217), (F, 16_777_216.0), 0, 0, True),
        ((L, 16_777_217), (D, 16_777_216.0), 0, 0, False),
        ((D, 1e300), (F, INF), 1e9, 0, False),
        ((D, 1e300), (F, 3e38), 0, 0, False),
        ((D, INF), (F, INF), 0, 0, True),
        ((D, NAN), (F, NAN), 0, 0, True),
        ((D, 1e-300), (F, 0.0), 0, 0, True),
        # Integers by value, without wrapping.
        ((L, 3), (D, 3.0), 0, 0, True),
        ((D, 3.5), (L, 3), 0, 0, False),
        ((D, 3.5), (L, 3), 0.5, 0, True),
        ((S, -1), (L, -1), 0, 0, True),
        ((D, 5e-324), (L, 1), 0, 0, False),
        ((L, 1), (F, 1.401298464324817e-45), 0, 0, False),
        ((C, 255), (S, -1), 0, 0, False),
        ((L, -(2**31)), (L, 2**31 - 1), 1, 0, False),
        ((L, -(2**31)), (L, 2**31 - 1), 2**32 - 1, 0, True),
        ((L, -(2**31)), (L, 2**31 - 1), 2**32 - 2, 0, False),
        ((S, -(2**15)), (S, 2**15 - 1), 1, 0, False),
        ((C, 0), (C, 255), 1, 0, False),
        ((C, 255), (C, 0), 254, 0, False),
        ((C, 255), (C, 0), 255, 0, True),
        ((L, -(2**31)), (D, 2.0**31), 0, 0, False),
    ],
)
def test_numbers(stored: Row, other: Row, abs_tol: float, rel_tol: float, equal: bool) -> None:
    expected = EQUAL if equal else DIFFERENT
    assert verdict(stored, other, abs_tol, rel_tol) is expected
    left, right = ((t, array(t, v, 7)) for t, v in (stored, other))  # type: ignore[misc, arg-type]
    assert verdict(left, right, abs_tol, rel_tol) is expected


@pytest.mark.parametrize(
    ("stored", "other", "equal"),
    [
        (enum(1, "Off", "On"), enum(1, "Off", "On"), True),
        (enum(0, "Off", "On"), enum(1, "Off", "On"), False),
        (enum(1, "Off", "On"), enum(0, "On", "Off"), True),
        (enum(1, "Off", "On"), enum(1, "On", "Off"), False),
        (enum(1, "Off", "On"), enum(1, "Off", "Open"), False),
        (enum(1, "Off", "On"), enum(1, "Off", "On", "More"), True),
        (enum(1), enum(1, "Off", "On"), True),
        (enum(0), enum(1, "Off", "On"), False),
        (enum(1, "Off", "On"), enum(1), True),
        (enum(7, "Off", "On"), enum(7, "Off", "On"), True),
        (enum(7, "Off", "On"), enum(1, "Off", "On"), False),
        (enum(7, "Off", "On"), enum(7), True),
        ((DbrType.ENUM, 1), (DbrType.ENUM, 1), True),
        ((DbrType.ENUM, 1), (DbrType.ENUM, 2), False),
        (enum(1, "Off", "On"), (L, 1), True),
        (enum(1, "Off", "On"), (L, 2), False),
        ((D, 1.0), enum(1, "Off", "On"), True),
        (enum(array(DbrType.ENUM, 0, 1), "A", "B"), enum(array(DbrType.ENUM, 1, 0), "B", "A"), True),
        (enum(array(DbrType.ENUM, 0, 1), "A", "B"), enum(array(DbrType.ENUM, 0, 1), "B", "A"), False),
        (enum(array(DbrType.ENUM, 0, 9), "A", "B"), enum(array(DbrType.ENUM, 0, 9), "B", "A"), True),
        (enum(array(DbrType.ENUM, 0, 1), "A", "B"), enum(array(DbrType.ENUM, 0, 1, 1), "A", "B"), False),
        (enum(array(DbrType.ENUM, 0, 1), "A", "B"), enum(array(DbrType.ENUM, 0, 1)), True),
        (enum(array(DbrType.ENUM), "A", "B"), enum(array(DbrType.ENUM), "B", "A"), True),
        (enum(0, "Off", "On"), enum(2, "", "", "Off"), True),
        (enum(0, "", "On"), enum(0, "", "Off"), True),
        (enum(0, "Off", "Off"), enum(1, "Off", "Off", "On"), False),
        (enum(0, "Off", "On"), enum(0, "off", "on"), False),
        (enum(1, "Off", "On"), (D, 1.5), False),
        (enum(1, "Off", "On"), (DbrType.STRING, b"On"), False),
        (enum(65535, "Off"), enum(65535, "On"), True),
        (enum(65535, "Off"), enum(1, "On"), False),
    ],
)
def test_enums(stored: Row, other: Row, equal: bool) -> None:
    assert verdict(stored, other) is (EQUAL if equal else DIFFERENT)


@pytest.mark.parametrize("labels", [("Off", "On", "Fault"), ()])
def test_no_tolerance_makes_two_states_equal(labels: tuple[str, ...]) -> None:
    assert verdict(enum(1, *labels), enum(2, *labels), 5.0, 5.0) is DIFFERENT


@pytest.mark.parametrize(
    ("stored", "other", "equal"),
    [
        ((DbrType.STRING, b"a"), (DbrType.STRING, b"a"), True),
        ((DbrType.STRING, b"a"), (DbrType.STRING, b"a "), False),
        ((DbrType.STRING, b""), (DbrType.STRING, b""), True),
        ((DbrType.STRING, b"\xff"), (DbrType.STRING, b"\xfe"), False),
        ((DbrType.STRING, b"1"), (L, 1), False),
        ((L, 1), (DbrType.STRING, b"1"), False),
        ((DbrType.STRING, b"A"), (C, array(C, 65)), False),
        ((DbrType.STRING, [b"a", b"b"]), (DbrType.STRING, [b"a", b"b"]), True),
        ((DbrType.STRING, [b"a", b"b"]), (DbrType.STRING, [b"a"]), False),
        ((DbrType.STRING, []), (DbrType.STRING, b""), False),
        ((DbrType.STRING, b""), (C, array(C)), False),
        ((DbrType.STRING, [b"a", b"b"]), (DbrType.STRING, [b"a", b"c"]), False),
        ((DbrType.STRING, b"x" * 300), (DbrType.STRING, b"x" * 299 + b"y"), False),
        ((DbrType.STRING, b"x" * 300), (DbrType.STRING, b"x" * 300), True),
    ],
)
def test_strings_are_equal_exactly_or_not(stored: Row, other: Row, equal: bool) -> None:
    assert verdict(stored, other, 1e9, 1e9) is (EQUAL if equal else DIFFERENT)


@pytest.mark.parametrize(
    ("stored", "other", "equal"),
    [
        ((D, array(D, 1, 2)), (D, array(D, 1, 2.25)), True),
        ((D, array(D, 1, 2)), (D, array(D, 1, 2.75)), False),
        ((D, array(D, 1, NAN, INF)), (D, array(D, 1, NAN, INF)), True),
        ((D, array(D, 1, NAN, INF)), (D, array(D, 1, INF, NAN)), False),
        ((D, array(D, 1, 2)), (D, array(D, 1, 2, 0)), False),
        ((D, array(D)), (D, array(D)), True),
        ((D, array(D)), (L, array(L)), True),
        ((D, array(D)), (D, 0.0), False),
        ((D, array(D, 1, 1)), (D, 1.0), False),
        ((L, array(L, 1, 2)), (D, array(D, 1, 2)), True),
        ((C, array(C, 0, 255)), (C, array(C, 255, 0)), False),
        ((C, array(C, 0, 255)), (S, array(S, 0, 255)), True),
        ((C, array(C, 0, 255)), (S, array(S, 0, -1)), False),
        ((L, array(L, -(2**31), 2**31 - 1)), (L, array(L, 2**31 - 1, -(2**31))), False),
        ((D, array(D, 0, -0.0)), (D, array(D, -0.0, 0)), True),
        ((D, array(D, 1, 2)), (D, array(D)), False),
        ((F, array(F, 0.1, 0.2)), (D, array(D, 0.1, 0.2)), True),
    ],
)
def test_arrays_by_length_and_then_by_element(stored: Row, other: Row, equal: bool) -> None:
    assert verdict(stored, other, abs_tol=0.5) is (EQUAL if equal else DIFFERENT)


@pytest.mark.parametrize(
    ("stored", "other", "expected"),
    [
        ((D, 1.0), Reason.NO_ANSWER, MISSING),
        (Reason.DISCONNECTED, (D, 1.0), MISSING),
        (Reason.DISCONNECTED, (DbrType.STRING, b""), MISSING),
        (Reason.DISCONNECTED, Reason.NO_ANSWER, UNKNOWN),
        (Reason.NO_ANSWER, Reason.NO_ANSWER, UNKNOWN),
    ],
)
def test_missing_values(stored: Row, other: Row, expected: Verdict) -> None:
    assert verdict(stored, other, 1e9, 1e9) is expected


def test_each_row_has_its_own_tolerance() -> None:
    left, right = readings(*[(D, 1.0)] * 4), readings(*[(D, 1.5)] * 4)
    found = compare(left, right, np.array([0.5, 0.4, 0, 0]), np.array([0, 0, 0.5, 0.4]))
    assert found.tolist() == [EQUAL, DIFFERENT, EQUAL, DIFFERENT]


def test_signalling_nans_are_nans_and_no_warning() -> None:
    single, double = np.array([0x7FA00001] * 2, "<u4").view("<f4"), np.array([0x7FF4000000000001] * 2, "<u8").view("<f8")
    for left, right in ((single, double), (double, single), (single, -single), (double, -double)):
        types = {"f4": F, "f8": D}
        left_type, right_type = types[left.dtype.str[1:]], types[right.dtype.str[1:]]
        assert verdict((left_type, left), (right_type, right)) is EQUAL
        assert verdict((left_type, left[:1]), (right_type, right[:1])) is EQUAL


@pytest.mark.parametrize(
    ("stored", "other", "equal"),
    [
        ((C, array(C)), (C, 0), True),
        ((C, 0), (C, array(C)), True),
        ((C, array(C)), (C, array(C)), True),
        ((C, array(C)), (C, 1), False),
        ((C, array(C)), (C, array(C, 0, 0)), False),
        ((C, array(C, 65)), (C, array(C, 65, 0)), False),
        ((S, array(S)), (S, 0), False),
        ((S, array(S)), (C, 0), False),
        ((D, array(D)), (D, 0.0), False),
        ((C, array(C)), (DbrType.STRING, b""), False),
    ],
)
def test_an_empty_char_array_is_the_empty_text(stored: Row, other: Row, equal: bool) -> None:
    assert verdict(stored, other) is (EQUAL if equal else DIFFERENT)


def test_strings_of_an_array_may_be_padded_differently() -> None:
    stored = readings((DbrType.STRING, [b"a", b"b"]))
    other = replace(stored, heap=stored.heap[:41], offsets=np.array([0, 41]))
    assert compare(stored, other, np.zeros(1), np.zeros(1)).tolist() == [EQUAL]


def test_labels_are_what_counts_of_the_metadata() -> None:
    """Each row has metadata of its own, and -1 is none."""
    units = [Metadata(units=str(number), labels=("Off", "On")) for number in range(4)]
    stored = readings(*((DbrType.ENUM, 1, {"metadata": known}) for known in units), (DbrType.ENUM, 1))
    other = readings((DbrType.ENUM, 1), *((DbrType.ENUM, 0, {"metadata": known}) for known in units))
    turned = readings(*(enum(0, "On", "Off") for _ in range(5)))
    assert compare(stored, other, np.zeros(5), np.zeros(5)).tolist() == [EQUAL, *[DIFFERENT] * 4]
    assert compare(stored, turned, np.zeros(5), np.zeros(5)).tolist() == [*[EQUAL] * 4, DIFFERENT]


def test_no_rows() -> None:
    nothing = np.zeros(0)
    assert compare(readings(), readings(), nothing, nothing).tolist() == []


@given(VALUES)
def test_everything_equals_itself(value: Row) -> None:
    assert verdict(value, value) is EQUAL


@given(VALUES, VALUES, st.floats(0, 1e300), st.floats(0, 1e300))
def test_a_wider_tolerance_never_makes_a_difference(left: Row, right: Row, narrow: float, wide: float) -> None:
    narrow, wide = sorted((narrow, wide))
    if verdict(left, right, abs_tol=narrow) is EQUAL:
        assert verdict(left, right, abs_tol=wide) is EQUAL
    if verdict(left, right, rel_tol=narrow) is EQUAL:
        assert verdict(left, right, rel_tol=wide) is EQUAL


@given(VALUES, VALUES, st.floats(0, 1e300))
def test_an_absolute_tolerance_knows_no_sides(left: Row, right: Row, abs_tol: float) -> None:
    assert verdict(left, right, abs_tol) is verdict(right, left, abs_tol)


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**33))
def test_integers_are_compared_as_integers(left: int, right: int, tolerance: int) -> None:
    assert (verdict((L, left), (L, right), abs_tol=float(tolerance)) is EQUAL) == (abs(left - right) <= tolerance)


def test_close_takes_one_tolerance_or_many() -> None:
    stored, other = np.array([1.0, 2.0, NAN]), np.array([1.5, 2.5, NAN])
    assert close(stored, other, 0.5, 0.0).tolist() == [True, True, True]
    assert close(stored, other, np.array([0.5, 0.1, 0.0]), np.zeros(3)).tolist() == [True, False, True]


def test_a_value_that_was_coerced_to_moved_labels_is_what_is_read_back() -> None:
    stored, now = readings(enum(1, "Off", "On")), live((DbrType.ENUM, 1, ("On", "Off")))
    wanted = check(stored, now, np.zeros(1, bool)).values
    read_back = readings(enum(0, "On", "Off"))
    assert compare(wanted, read_back, np.zeros(1), np.zeros(1)).tolist() == [EQUAL]


@pytest.mark.parametrize("labels", [("", "", "Third"), ("On", "On", "Third")])
def test_labels_that_name_no_state_of_their_own_do_not_make_states_equal(labels: tuple[str, ...]) -> None:
    assert verdict(enum(0, *labels), enum(1, *labels)) is DIFFERENT
    assert verdict(enum(1, *labels), enum(1, *labels)) is EQUAL


LABELS = st.lists(st.sampled_from(["", "A", "B", "C"]), max_size=4)
STATES = st.integers(0, 4) | st.lists(st.integers(0, 4), max_size=3).map(lambda states: array(DbrType.ENUM, *states))
ENUMS = st.builds(lambda states, labels: enum(states, *labels), STATES, LABELS)
SMALL = st.sampled_from([D, F, L, S, C]).flatmap(
    lambda dbr_type: st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda n: (dbr_type, array(dbr_type, *n)))
)
ANY = st.one_of(ROWS, ENUMS, SMALL)
PAIRS = st.tuples(ANY, ANY) | st.tuples(ENUMS, ENUMS) | st.tuples(SMALL, SMALL) | ANY.map(lambda row: (row, row))
TOLERANCES = st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, 1e300])] * 2)


@given(st.lists(st.tuples(PAIRS, TOLERANCES), max_size=12), st.sampled_from([1, 3, 1 << 14]))
def test_rows_compared_together_are_as_rows_compared_one_by_one(rows: list[Any], at_once: int) -> None:
    left, right = readings(*(pair[0] for pair, _ in rows)), readings(*(pair[1] for pair, _ in rows))
    tolerances = np.array([pair for _, pair in rows], np.float64).reshape(-1, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_AT_ONCE", at_once)
        found = compare(left, right, tolerances[:, 0], tolerances[:, 1]).tolist()
    assert found == [_reference(left, right, row, *tolerances[row].tolist()) for row in range(len(rows))]


def _reference(left: Readings, right: Readings, row: int, abs_tol: float, rel_tol: float) -> Verdict:
    """The rule, row by row, as issue 4 says it."""
    stored, other = left.reading(row), right.reading(row)
    there = [reading.reason is Reason.OK for reading in (stored, other)]
    if not all(there):
        return MISSING if any(there) else UNKNOWN
    if stored.count != other.count:
        return EQUAL if _is_empty_text(stored) and _is_empty_text(other) else DIFFERENT
    return EQUAL if _same(stored, other, abs_tol, rel_tol) else DIFFERENT


def _is_empty_text(reading: Reading) -> bool:
    return reading.dbr_type is C and np.atleast_1d(np.asarray(reading.value)).tolist() in ([], [0])


def _same(stored: Reading, other: Reading, abs_tol: float, rel_tol: float) -> bool:
    types = stored.dbr_type, other.dbr_type
    if DbrType.STRING in types:
        return types[0] == types[1] and stored.value == other.value
    if types == (DbrType.ENUM, DbrType.ENUM):
        names = [_names(reading) for reading in (stored, other)]
        if None not in names:
            return names[0] == names[1]
        abs_tol = rel_tol = 0.0
    pairs = zip(*(np.atleast_1d(np.asarray(reading.value)).tolist() for reading in (stored, other)), strict=True)
    return all(_same_number(left, right, abs_tol, rel_tol, single=F in types) for left, right in pairs)


def _names(reading: Reading) -> list[str] | None:
    labels = reading.metadata.labels
    indices = np.atleast_1d(np.asarray(reading.value)).tolist()
    own = all(i < len(labels) and labels[i] and labels.count(labels[i]) == 1 for i in indices)
    return [labels[i] for i in indices] if own else None


def _same_number(stored: float, other: float, abs_tol: float, rel_tol: float, *, single: bool) -> bool:
    if single:
        stored, other = _as_single(stored), _as_single(other)
    if stored == other or (stored != stored and other != other):
        return True
    if not (np.isfinite(stored) and np.isfinite(other)):
        return False
    return abs(stored - other) <= abs_tol or abs(stored - other) <= rel_tol * abs(stored)


def _as_single(number: float) -> float:
    with np.errstate(all="ignore"):
        rounded = float(np.float32(number))
    return rounded if np.isfinite(rounded) else number
