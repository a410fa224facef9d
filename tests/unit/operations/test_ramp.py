"""Ramps: where they are after a time, in each type, and what cannot be ramped."""

from __future__ import annotations

import math

import numpy as np
import pytest

from snapioc.model import DTYPES, DbrType, Readings, ReadingsBuilder, Reason, Value
from snapioc.operations.ramp import PERIOD, Ramp, can_ramp, ramp_values

INT32 = -(2**31), 2**31 - 1


def at(present: float, wanted: float, speed: float, elapsed: float) -> float:
    (value,) = ramp_values(np.array([present]), np.array([wanted]), np.array([speed]), elapsed)
    return float(value)


def readings(dbr_type: DbrType, *values: Value | None) -> Readings:
    builder = ReadingsBuilder(len(values), Reason.DISCONNECTED)
    for row, value in enumerate(values):
        if value is not None:
            builder.add(row, dbr_type, value)
    return builder.build()


def steps(dbr_type: DbrType, present: Value, wanted: Value, speed: float) -> list[Value | None]:
    """All values that one ramp writes, at PERIOD."""
    ramp = Ramp(readings(dbr_type, present), readings(dbr_type, wanted), np.array([speed]))
    written: list[Value | None] = []
    elapsed = PERIOD
    while not ramp.arrived.all():
        rows, values = ramp.step(elapsed)
        written += [values.value(row) for row in range(len(rows))]
        elapsed += PERIOD
    return written


@pytest.mark.parametrize(
    ("present", "wanted", "speed", "elapsed", "expected"),
    [
        (0, 10, 2, 1, 2),
        (0, 10, 2, 5, 10),
        (0, 10, 2, 500, 10),
        (10, 0, 2, 1, 8),
        (10, 0, 2, 5, 0),
        (-5, 5, 1, 5, 0),
        (7, 7, 1, 0, 7),
        (0, 10, 2, 0, 0),
        (*INT32, 1, 1.0, INT32[0] + 1),
        (INT32[1], INT32[0], 1, 2.0**31, -1),
        (INT32[1], INT32[0], 1, 2.0**32, INT32[0]),
        (-1.7e308, 1.7e308, 1e300, 1, -1.7e308 + 1e300),
        (-1.7e308, 1.7e308, 1e308, 1e10, 1.7e308),
    ],
)
def test_where_a_ramp_is(present: float, wanted: float, speed: float, elapsed: float, expected: float) -> None:
    assert at(present, wanted, speed, elapsed) == expected


def test_a_ramp_never_goes_beyond_or_back() -> None:
    values = [at(0.1, 0.7, 0.3, n / 1000) for n in range(3000)]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0.1, 0.7)


@pytest.mark.parametrize("dbr_type", [DbrType.FLOAT, DbrType.DOUBLE])
@pytest.mark.parametrize(("present", "wanted"), [(0.0, 1.0), (1.0, -0.7), (1e-30, 0.1), (-0.0, 0.3)])
def test_the_last_step_is_bit_for_bit_what_is_wanted(dbr_type: DbrType, present: float, wanted: float) -> None:
    ramp = Ramp(readings(dbr_type, present), readings(dbr_type, wanted), np.array([1.0]))
    elapsed, last = 0.0, None
    while not ramp.arrived.all():
        elapsed += PERIOD
        rows, values = ramp.step(elapsed)
        last = values if len(rows) else last
    assert last is not None
    assert last.same_values(readings(dbr_type, wanted)).all()
    assert -1e-6 <= elapsed - abs(wanted - present) <= PERIOD + 1e-6


def test_float32_steps_are_float32() -> None:
    written = steps(DbrType.FLOAT, 0.0, 1.0, 3.0)
    assert written == [float(np.float32(n * 0.3)) for n in (1, 2, 3)] + [1.0]


def test_integers_go_in_whole_units_and_never_ahead_of_the_ramp() -> None:
    assert steps(DbrType.LONG, 0, 3, 4.0) == [1, 2, 3]  # at 0.3, 0.5 and 0.8 s, not sooner
    assert steps(DbrType.SHORT, 2, -1, 9.0) == [2 - 1, 2 - 2, -1]
    assert steps(DbrType.CHAR, 255, 250, 20.0) == [253, 251, 250]


def test_integers_on_a_slow_ramp_are_not_written_again_and_again() -> None:
    assert steps(DbrType.LONG, 0, 2, 1.0) == [1, 2]


@pytest.mark.parametrize(("present", "wanted"), [INT32, INT32[::-1]])
def test_the_extremes_of_int32(present: int, wanted: int) -> None:
    written = steps(DbrType.LONG, present, wanted, 1e10)
    sign = 1 if wanted > present else -1
    assert written == [present + sign * n * 1_000_000_000 for n in (1, 2, 3, 4)] + [wanted]


def test_no_distance_is_one_step() -> None:
    assert steps(DbrType.DOUBLE, 4.0, 4.0, 0.001) == [4.0]
    (zero,) = steps(DbrType.DOUBLE, 0.0, -0.0, 0.001)
    assert math.copysign(1, zero) == -1  # type: ignore[arg-type]


def test_many_ramps_of_all_types_each_at_its_own_speed() -> None:
    types = [DbrType.DOUBLE, DbrType.FLOAT, DbrType.LONG, DbrType.SHORT, DbrType.CHAR]
    present, wanted = ReadingsBuilder(5), ReadingsBuilder(5)
    for row, dbr_type in enumerate(types):
        present.add(row, dbr_type, 0)
        wanted.add(row, dbr_type, 100)
    ramp = Ramp(present.build(), wanted.build(), np.array([10.0, 20.0, 30.0, 40.0, 1e9]))
    rows, values = ramp.step(1.0)
    assert rows.tolist() == [0, 1, 2, 3, 4]
    assert [values.value(row) for row in range(5)] == [10, 20, 30, 40, 100]
    assert values.dbr_type.tolist() == types
    assert ramp.arrived.tolist() == [False] * 4 + [True]
    ramp.end(np.array([1]))
    rows, values = ramp.step(2.5)
    assert rows.tolist() == [0, 2, 3]
    assert [values.value(row) for row in range(3)] == [25, 75, 100]


@pytest.mark.parametrize("dbr_type", [DbrType.DOUBLE, DbrType.FLOAT])
@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_ramped(dbr_type: DbrType, odd: float) -> None:
    speed = np.ones(3)
    can = can_ramp(readings(dbr_type, odd, 1.0, 1.0), readings(dbr_type, 1.0, odd, 2.0), speed)
    assert can.tolist() == [False, False, True]


def test_a_signalling_nan_is_not_ramped() -> None:
    bits = np.array([0x7F800001], np.uint32).view(DTYPES[DbrType.FLOAT])
    assert can_ramp(readings(DbrType.FLOAT, bits), readings(DbrType.FLOAT, 1.0), np.ones(1)).tolist() == [False]


@pytest.mark.parametrize(
    ("dbr_type", "present", "wanted"),
    [
        (DbrType.STRING, b"a", b"b"),
        (DbrType.ENUM, 0, 1),
        (DbrType.DOUBLE, np.zeros(2), np.ones(2)),
        (DbrType.DOUBLE, np.zeros(0), 1.0),
        (DbrType.DOUBLE, 1.0, np.zeros(3)),
        (DbrType.DOUBLE, None, 1.0),
    ],
)
def test_what_is_no_single_number_is_not_ramped(dbr_type: DbrType, present: Value | None, wanted: Value) -> None:
    assert can_ramp(readings(dbr_type, present), readings(dbr_type, wanted), np.ones(1)).tolist() == [False]


@pytest.mark.parametrize(("speed", "expected"), [(1.0, True), (0.0, False), (math.nan, False), (math.inf, False)])
def test_only_with_a_speed(speed: float, expected: bool) -> None:
    assert can_ramp(readings(DbrType.LONG, 1), readings(DbrType.LONG, 2), np.array([speed])).tolist() == [expected]


def test_another_type_is_not_ramped() -> None:
    assert can_ramp(readings(DbrType.LONG, 1), readings(DbrType.DOUBLE, 2.0), np.ones(1)).tolist() == [False]
