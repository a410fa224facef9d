"""The settings of one set's repetition: what each text means, and what it may not be."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from snapioc.model import Refused, name_fault

from .keep import Keep, parse_keep
from .trigger import TriggerOn, parse_trigger_on

MIN_PERIOD = 0.1
"""Seconds between two snapshots of PERIOD at least."""

MIN_PUSH = 50.0
"""Milliseconds between two partial results of a window at least: events come in steps of that size."""

LIMITS = {
    "PERIOD": (0.0, 1e9),
    "MIN_INTERVAL": (0.0, 1e9),
    "BURST": (1.0, 1000.0),
    "WINDOW": (0.0, 600_000.0),
    "SUB_PUSH": (0.0, 600_000.0),
    "BACK": (0.0, 60_000.0),
}
"""What the numbers may be: seconds, a count, and milliseconds."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """What repeats and how; times in seconds, but `window`, `sub_push` and `back` in milliseconds. 0 and "" are off."""

    period: float = 0.0
    keep: Keep = field(default_factory=Keep)
    on_change: bool = False
    min_interval: float = 1.0
    trig_pv: str = ""
    trig_on: TriggerOn = field(default_factory=TriggerOn)
    burst: int = 1
    armed: bool = False
    window: float = 0.0
    sub_push: float = 0.0
    back: float = 0.0

    @property
    def hears_members(self) -> bool:
        """Whether the set's PVs are subscribed to."""
        return self.armed and bool(self.window or self.back or self.on_change)


def parse(name: str, text: str) -> object:
    """The value of the setting `name` that a text means. Raises Refused."""
    return _PARSERS[name](text)


def options_of(text: Callable[[str], str]) -> Options:
    """The options from the texts of the settings, "" where one was never set."""
    values: dict[str, Any] = {}
    for name, field_name in SETTINGS.items():
        try:
            if text(name):
                values[field_name] = parse(name, text(name))
        except Refused as why:  # kept by a version that allowed it
            _log.warning("a setting that was kept does not count: %s", why)
    return Options(**values)


def _number(name: str, *, whole: bool = False) -> Callable[[str], float]:
    low, high = LIMITS.get(name, (0.0, 1.0))

    def parsed(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise Refused(f"{name} {text!r} is no number") from None
        if not low <= number <= high or (whole and number != int(number)):
            raise Refused(f"{name} {number:g} is no {'whole ' if whole else ''}number from {low:g} to {high:g}")
        return number

    return parsed


def _at_least(name: str, least: float, units: str) -> Callable[[str], float]:
    number_of = _number(name)

    def parsed(text: str) -> float:
        number = number_of(text)
        if 0 < number < least:
            raise Refused(f"{name} {number:g} {units} is below {least:g} {units} (0: off)")
        return number

    return parsed


def _pv(text: str) -> str:
    name = text.strip()
    fault = name_fault(name) if name else None
    if fault:
        raise Refused(f"TRIG_PV {name!r} cannot be watched: {fault}")
    return name


_PARSERS: dict[str, Callable[[str], object]] = {
    "PERIOD": _at_least("PERIOD", MIN_PERIOD, "s"),
    "KEEP": parse_keep,
    "ON_CHANGE": lambda text: bool(_number("ON_CHANGE", whole=True)(text)),
    "MIN_INTERVAL": _number("MIN_INTERVAL"),
    "TRIG_PV": _pv,
    "TRIG_ON": parse_trigger_on,
    "BURST": lambda text: int(_number("BURST", whole=True)(text)),
    "ARM": lambda text: bool(_number("ARM", whole=True)(text)),
    "WINDOW": _number("WINDOW"),
    "SUB_PUSH": _at_least("SUB_PUSH", MIN_PUSH, "ms"),
    "BACK": _number("BACK"),
}

SETTINGS = {name: name.lower() for name in _PARSERS} | {"ARM": "armed"}
"""The settings by their PV names, each with the field of Options that it is."""
