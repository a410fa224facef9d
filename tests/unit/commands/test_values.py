from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

from snapioc.commands.values import difference_text, local_time, reading_json, reading_time, severity_text, shown
from snapioc.model import DbrType, Flag, Metadata, Reading, Reason
from tests.unit.commands.snapshots import Row, readings_of


@pytest.fixture(autouse=True)
def east_of_greenwich() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "XST-05:30"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def one(value: object, dbr_type: DbrType = DbrType.DOUBLE, **known: object) -> Reading:
    return readings_of(Row(value, dbr_type, **known)).reading(0)  # type: ignore[arg-type]


def test_local_time_has_its_offset() -> None:
    assert local_time(0) == "1970-01-01T05:30:00+05:30"


def test_a_time_stamp_keeps_every_nanosecond() -> None:
    readings = readings_of(Row(seconds=1, nanoseconds=123_456_789), Row(), Reason.DISCONNECTED)
    assert reading_time(readings, 0, 9) == "1990-01-01T05:30:01.123456789+05:30"
    assert reading_time(readings, 0, 3) == "1990-01-01T05:30:01.123+05:30"
    assert reading_time(readings, 1, 9) is None  # a record that was never processed
    assert reading_time(readings, 2, 9) is None


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        (one(0.1), "0.1"),
        (one(0.1, DbrType.FLOAT), "0.1"),
        (one(1, DbrType.ENUM, metadata=Metadata(labels=("Off", "On"))), "On (1)"),
        (one(7, DbrType.ENUM, metadata=Metadata(labels=("Off", "On"))), "7"),
        (one(b"\xb5m", DbrType.STRING), '"µm"'),
        (one(np.arange(100.0)), "[0.0, 1.0, 2.0, 3.0, 4.0, ...] (100)"),
        (one(np.frombuffer(b"a text\0\0", "u1"), DbrType.CHAR), '"a text" (char array of 8)'),
        (one(np.frombuffer(b"a\0b", "u1"), DbrType.CHAR), "[97, 0, 98] (3)"),
        (one(np.array([], "u1"), DbrType.CHAR), "[] (0)"),
        (one(b"x" * 39, DbrType.STRING, flags=Flag.CUT), f'"{"x" * 39}" [cut when it was read]'),
        (Reading(Reason.NO_ANSWER), "[no answer in time]"),
    ],
)
def test_a_value_for_people(reading: Reading, text: str) -> None:
    assert shown(reading) == text


def test_only_alarms_are_named() -> None:
    assert [severity_text(severity) for severity in (0, 2, 3, 9)] == ["", "MAJOR", "INVALID", "9"]


@pytest.mark.parametrize(
    ("value", "dbr_type", "expected"),
    [
        (0.1 + 0.2, DbrType.DOUBLE, 0.30000000000000004),
        (math.nan, DbrType.DOUBLE, "NaN"),
        (-math.inf, DbrType.DOUBLE, "-Infinity"),
        (np.array([1.0, math.inf]), DbrType.DOUBLE, [1.0, "Infinity"]),
        (-(2**31), DbrType.LONG, -(2**31)),
        ([b"a", b"\xb5"], DbrType.STRING, ["a", "µ"]),
    ],
)
def test_a_value_for_programs(value: object, dbr_type: DbrType, expected: object) -> None:
    content = reading_json("A", readings_of(Row(value, dbr_type)), 0)  # type: ignore[arg-type]
    assert json.loads(json.dumps(content, allow_nan=False))["value"] == expected


def test_json_tells_all_that_is_known() -> None:
    metadata = Metadata(units="A", precision=3, labels=("Off", "On"))
    readings = readings_of(Row(1, DbrType.ENUM, 1, 1, 0, Flag.NONE, metadata), Reason.DISCONNECTED)
    assert reading_json("A", readings, 0) == {
        "pv": "A",
        "reason": "ok",
        "type": "ENUM",
        "count": 1,
        "value": 1,
        "label": "On",
        "units": "A",
        "precision": 3,
        "severity": "MINOR",
        "status": 0,
        "time": "1990-01-01T05:30:01.000000000+05:30",
        "cut": False,
    }
    assert reading_json("B", readings, 1) == {"pv": "B", "reason": "disconnected"}


@pytest.mark.parametrize(
    ("stored", "other", "text"),
    [
        (one(1.0), one(1.25), "+0.25"),
        (one(5, DbrType.LONG), one(-5, DbrType.LONG), "-10"),
        (one(1.0), one(math.nan), ""),
        (one(1.0), Reading(Reason.DISCONNECTED), ""),
        (one(b"a", DbrType.STRING), one(b"b", DbrType.STRING), ""),
        (one(b"a", DbrType.STRING), one(1.0), "STRING -> DOUBLE"),
        (one(0, DbrType.ENUM), one(1, DbrType.ENUM), ""),
        (one(np.zeros(3)), one(np.zeros(2)), "3 -> 2 elements"),
        (one(np.array([1.0, 2.0, math.nan])), one(np.array([1.0, 2.5, math.nan])), "1 of 3 elements, at most 0.5"),
    ],
)
def test_by_how_much_two_readings_differ(stored: Reading, other: Reading, text: str) -> None:
    assert difference_text(stored, other) == text
