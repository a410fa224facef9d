from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

from snapioc.commands.values import local_time, reading_json, reading_time, severity_text
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
