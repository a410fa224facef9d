"""TRIG_PV and TRIG_ON: which events of a PV are triggers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from snapioc.model import DbrType, Events, Metadata, Reading, Readings, Reason, Refused, decode, shown

from ..wording import short


class Kind(Enum):
    """What TRIG_PV has to do."""

    CHANGE = "change"
    RISE = "rise"
    BECOME = "become"


@dataclass(frozen=True, slots=True)
class TriggerOn:
    """`value` is what TRIG_PV has to become; `text` is what was put."""

    text: str = "change"
    kind: Kind = Kind.CHANGE
    value: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One event that is a trigger: in a person's words, and its own time stamp in EPICS time."""

    why: str
    seconds: int
    nanoseconds: int


def parse_trigger_on(text: str) -> TriggerOn:
    """The meaning of "change", "rise", "= value", and of a number. Raises Refused for any other text."""
    text = text.strip()
    if text.casefold() in ("", "change"):
        return TriggerOn()
    if text.casefold() == "rise":
        return TriggerOn("rise", Kind.RISE)
    value = text.removeprefix("=").strip()
    if not value or (value == text and not _is_number(value)):
        raise Refused(f"TRIG_ON {text!r} is none of change, rise, and = value (a number, the label of a state, or a text)")
    return TriggerOn(text, Kind.BECOME, value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class TriggerWatch:
    """Looks at every event of TRIG_PV; the first one after each connection only is what the next is held against."""

    def __init__(self, pv: str, on: TriggerOn) -> None:
        self._pv, self._on = pv, on
        self._last: Reading | None = None
        self.labels: tuple[str, ...] = ()
        """The states of an enum, used for events that do not bring them."""

    @property
    def connected(self) -> bool:
        """Whether the PV's value is known now."""
        return self._last is not None

    def heard(self, events: Events) -> Iterator[Trigger]:
        """The triggers among these events, in their order."""
        for row in range(len(events)):
            reading = events.readings.reading(row)
            before, self._last = self._last, reading if reading.reason is Reason.OK else None
            if before is not None and self._last is not None and self._fires(before, reading):
                yield self._trigger(events.readings, row)

    def _fires(self, before: Reading, now: Reading) -> bool:
        if self._on.kind is Kind.RISE:
            return not _number(before) > 0 and _number(now) > 0
        if self._on.kind is Kind.BECOME:
            return self._is_wanted(now) and not self._is_wanted(before)
        return before.dbr_type != now.dbr_type or not _same(before, now)

    def _is_wanted(self, reading: Reading) -> bool:
        wanted = self._on.value
        if wanted in _texts(reading, self._labels_of(reading.metadata)):
            return True
        try:
            return float(wanted) == _number(reading)
        except ValueError:
            return False

    def _labels_of(self, metadata: Metadata) -> tuple[str, ...]:
        return metadata.labels or self.labels

    def _trigger(self, readings: Readings, row: int) -> Trigger:
        did = {Kind.CHANGE: "changed to", Kind.RISE: "rose to", Kind.BECOME: "became"}[self._on.kind]
        why = f"{self._pv} {did} {short(shown(readings.reading(row)))}"
        return Trigger(why, int(readings.seconds[row]), int(readings.nanoseconds[row]))


def _same(before: Reading, now: Reading) -> bool:
    if isinstance(before.value, np.ndarray) or isinstance(now.value, np.ndarray):
        return np.array_equal(np.asarray(before.value), np.asarray(now.value), equal_nan=before.dbr_type in _FLOATS)
    both_nan = before.value != before.value and now.value != now.value
    return before.value == now.value or both_nan


_FLOATS = (DbrType.FLOAT, DbrType.DOUBLE)


def _number(reading: Reading) -> float:
    """The value as a number, NaN if it is none; of an array its first element."""
    value = reading.value
    if isinstance(value, np.ndarray):
        return float(value[0]) if value.size else float("nan")
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(decode(value)) if isinstance(value, bytes) else float("nan")
    except ValueError:
        return float("nan")


def _texts(reading: Reading, labels: tuple[str, ...]) -> tuple[str, ...]:
    """The texts that a person may call the value: an enum's label, a string, the text in a char array."""
    value = reading.value
    if reading.dbr_type is DbrType.ENUM and isinstance(value, int) and value < len(labels):
        return (labels[value],)
    if isinstance(value, bytes):
        return (decode(value),)
    if reading.dbr_type is DbrType.CHAR and isinstance(value, np.ndarray):
        return (decode(value.tobytes().split(b"\0", 1)[0]),)
    return ()
