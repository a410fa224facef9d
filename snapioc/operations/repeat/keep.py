"""KEEP: how many automatic snapshots stay, or for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass

from snapioc.model import Refused

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_FORM = re.compile(rf"([0-9]+(?:\.[0-9]+)?)\s*({'|'.join(_UNITS)})?")


@dataclass(frozen=True, slots=True)
class Keep:
    """At most one of `count` and `seconds` is given; none of them: all stay. `text` is what was put."""

    text: str = ""
    count: int | None = None
    seconds: float | None = None


def parse_keep(text: str) -> Keep:
    """The meaning of "" (all), "100" (that many), "30min", "12h", "7d", "8w" (that long). Raises Refused.

    0 is refused: it would delete each snapshot as soon as it is taken.
    """
    text = text.strip()
    if not text:
        return Keep()
    form = _FORM.fullmatch(text)
    number = float(form[1]) if form else 0.0
    if not form or number <= 0 or (not form[2] and number != int(number)):
        raise Refused(f"KEEP {text!r} is neither a number of snapshots, as 100, nor a time, as 30min, 12h, 7d or 8w")
    return Keep(text, seconds=number * _UNITS[form[2]]) if form[2] else Keep(text, count=int(number))
