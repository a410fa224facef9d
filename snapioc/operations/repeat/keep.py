"""KEEP: how many automatic snapshots stay, or for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass

from snapioc.model import Refused

from ..wording import short

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
MAX_COUNT = 1e9
"""Snapshots that KEEP may let stay at most."""

MAX_SECONDS = 1000 * 365.25 * 86_400
"""How long KEEP may let snapshots stay at most: 1000 years, which any clock and the store can hold."""

_FORM = re.compile(rf"([0-9]+(?:\.[0-9]+)?)\s*({'|'.join(_UNITS)})?")


@dataclass(frozen=True, slots=True)
class Keep:
    """At most one of `count` and `seconds` is given; none of them: all stay. `text` is what was put."""

    text: str = ""
    count: int | None = None
    seconds: float | None = None


def parse_keep(text: str) -> Keep:
    """The meaning of "" (all), "100" (that many), "30min", "12h", "7d", "8w" (that long). Raises Refused.

    0 is refused: it would delete each snapshot as soon as it is taken. So is what is above MAX_COUNT or MAX_SECONDS.
    """
    text = text.strip()
    if not text:
        return Keep()
    form = _FORM.fullmatch(text)
    number = float(form[1]) * _UNITS[form[2] or "s"] if form else 0.0
    if form and number > (MAX_SECONDS if form[2] else MAX_COUNT):
        raise Refused(f"KEEP {short(text)!r} is more than {MAX_COUNT:g} snapshots, or 1000 years")
    if not form or number <= 0 or not (form[2] or number.is_integer()):
        raise Refused(f"KEEP {short(text)!r} is neither a number of snapshots, as 100, nor a time, as 30min, 12h, 7d or 8w")
    return Keep(text, seconds=number) if form[2] else Keep(text, count=int(number))
