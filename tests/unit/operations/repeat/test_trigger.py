"""Which events of TRIG_PV are triggers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snapioc.model import DbrType, Reason, Refused
from snapioc.operations.repeat.trigger import Kind, TriggerWatch, parse_trigger_on

from .events import events

GONE = Reason.DISCONNECTED
STATES = ("Off", "On", "Fault")


def fired(on: str, values: list[Any], dbr_type: DbrType = DbrType.DOUBLE, labels: tuple[str, ...] = ()) -> list[int]:
    """Which of the values, heard one by one and in one batch, are triggers."""
    triggers = [[], []]  # type: ignore[var-annotated]
    one_by_one, at_once = (TriggerWatch("X", parse_trigger_on(on)) for _ in range(2))
    happened = [(0, value, 5 * 10**9 + place) for place, value in enumerate(values)]
    for event in happened:
        triggers[0] += one_by_one.heard(events(event, dbr_type=dbr_type, labels=labels))
    triggers[1] += at_once.heard(events(*happened, dbr_type=dbr_type, labels=labels))
    assert triggers[0] == triggers[1]
    assert all(trigger.seconds == 5 for trigger in triggers[0])
    return [trigger.nanoseconds for trigger in triggers[0]]


@pytest.mark.parametrize(
    ("on", "values", "expected"),
    [
        ("change", [1, 1, 2, 2, 1], [2, 4]),
        ("", [1, 2], [1]),
        ("change", [1, GONE, 2, 3], [3]),
        ("change", [np.nan, np.nan, 1.0], [2]),
        ("rise", [1, 0, 1, 2, -1, 3], [2, 5]),
        ("Rise", [0, GONE, 1, 0, 5], [4]),
        ("rise", [np.nan, 1.0], [1]),
        ("= 3", [3, 2, 3, 3, 3.0, 4, 3], [2, 6]),
        ("3", [0, 3], [1]),
        ("= 0x", [0, 3], []),
        ("= 1e-3", [0, 0.001], [1]),
    ],
)
def test_numbers(on: str, values: list[Any], expected: list[int]) -> None:
    assert fired(on, values) == expected


@pytest.mark.parametrize(
    ("on", "expected"),
    [("= Fault", [2, 5]), ("= 2", [2, 5]), ("= On", [1, 3]), ("rise", [1, 5]), ("change", [1, 2, 3, 4, 5])],
)
def test_states(on: str, expected: list[int]) -> None:
    assert fired(on, [0, 1, 2, 1, 0, 2], DbrType.ENUM, STATES) == expected


def test_states_whose_labels_come_later() -> None:
    watch = TriggerWatch("X", parse_trigger_on("= Fault"))
    watch.labels = STATES
    assert len(list(watch.heard(events((0, 0), (0, 2), dbr_type=DbrType.ENUM)))) == 1


def test_texts() -> None:
    assert fired("= TRIP", [b"OK", b"TRIP", b"TRIP", b"trip"], DbrType.STRING) == [1]
    assert fired("5", [b"4", b"5.0"], DbrType.STRING) == [1]
    long = [np.frombuffer(text.ljust(20, b"\0"), np.uint8) for text in (b"OK", b"TRIP", b"TRIP")]
    assert fired("= TRIP", long, DbrType.CHAR) == [1]
    assert fired("change", long, DbrType.CHAR) == [1]


def test_a_value_that_is_called_like_a_rule() -> None:
    on = parse_trigger_on("= change")
    assert (on.kind, on.value, on.text) == (Kind.BECOME, "change", "= change")


def test_what_a_trigger_says() -> None:
    watch = TriggerWatch("X", parse_trigger_on("= On"))
    (trigger,) = watch.heard(events((0, 0), (0, 1), dbr_type=DbrType.ENUM, labels=STATES))
    assert trigger.why == "X became On (1)"


@pytest.mark.parametrize("text", ["banana", "> 5", "fall", "=", "= "])
def test_what_would_never_fire_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is none of change, rise, and = value"):
        parse_trigger_on(text)


@pytest.mark.parametrize(
    ("value", "dbr_type"), [(np.full(50_000, ord("a"), np.uint8), DbrType.CHAR), (b"b" * 9999, DbrType.STRING)]
)
def test_a_long_value_does_not_make_a_long_title(value: Any, dbr_type: DbrType) -> None:
    watch = TriggerWatch("X", parse_trigger_on("change"))
    before = np.zeros(1, np.uint8) if dbr_type is DbrType.CHAR else b""
    (trigger,) = watch.heard(events((0, before), (0, value), dbr_type=dbr_type))
    assert trigger.why.startswith("X changed to ")
    assert len(trigger.why) < 230
