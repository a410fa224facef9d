"""Which control limits a record enforces."""

from __future__ import annotations

import pytest

from snapioc.operations.drive_limits import for_display_only

from .fakes import FakeChannels, FakePv


def record(high: float, low: float, name: str = "A") -> dict[str, FakePv]:
    return {f"{name}.DRVH": FakePv(high), f"{name}.DRVL": FakePv(low)}


@pytest.mark.parametrize(
    ("pv", "fields", "display"),
    [
        ("A", {}, True),
        ("A", record(10, 0), False),
        ("A", record(0, 0), True),
        ("A", record(-1, 1), True),
        ("A", {"A.DRVH": FakePv(1.0)}, True),
        ("A.VAL", record(10, 0), False),
        ("A.{dbnd}", record(10, 0), False),
        ("A.VAL{dbnd}", record(10, 0), False),
        ("A.HIHI", record(10, 0), True),
        ("A.VALU", record(10, 0), True),
    ],
)
async def test_limits_that_a_record_enforces(pv: str, fields: dict[str, FakePv], display: bool) -> None:
    assert (await for_display_only(FakeChannels(fields), [pv], 1.0)).tolist() == [display]


async def test_each_record_is_asked_once() -> None:
    channels = FakeChannels(record(10, 0, "A") | record(0, 0, "B") | record(5, 1, "D"))
    calls: list[str] = []
    channels.hook = calls.append
    found = await for_display_only(channels, ["D", "A", "B", "C", "A.VAL", "A.HIHI"], 1.0)
    assert found.tolist() == [False, False, True, True, False, True]
    assert calls == ["connect", "read"]


async def test_nothing_is_asked_for_other_fields_than_val() -> None:
    channels = FakeChannels({})
    calls: list[str] = []
    channels.hook = calls.append
    assert (await for_display_only(channels, ["A.HIHI"], 1.0)).tolist() == [True]
    assert (await for_display_only(channels, [], 1.0)).tolist() == []
    assert calls == []
