"""Moments as people write them: `2026-11-20`, `2026-11-20 08:15`, `2h`, `3 days ago`, `today`, `yesterday`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from snapioc.model import Refused

_AGO = re.compile(r"(\d{1,6})\s*(s|min|h|d|day|days|w|week|weeks)(\s+ago)?", re.ASCII)
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_DATE = re.compile(r"\d{4}-?\d\d-?\d\d|\d{4}-?W\d\d(-?\d)?", re.ASCII)
_DAY = timedelta(days=1)


def moment(text: str, now: float, *, last: bool = False) -> float:
    """The Unix time that a text means at the Unix time `now`; of a whole day its first moment, or its last with `last`.

    Local time unless the text has an offset. Raises Refused.
    """
    text = text.strip()
    try:
        return _moment(text, now, last)
    except (ValueError, OverflowError, OSError) as fault:
        raise Refused(
            f"{text!r} is no time: write 2026-11-20, 2026-11-20 08:15, 2h, 3d (ago), today or yesterday"
        ) from fault


def _moment(text: str, now: float, last: bool) -> float:
    if ago := _AGO.fullmatch(text.casefold()):
        unit = ago[2] if ago[2] in _SECONDS else ago[2][0]
        return now - int(ago[1]) * _SECONDS[unit]
    day = _day(text, now)
    if day is None:
        return datetime.fromisoformat(text).timestamp()
    # Not 24 hours later: two days in the year are shorter or longer.
    return (day + _DAY).timestamp() - 1e-6 if last else day.timestamp()


def _day(text: str, now: float) -> datetime | None:
    """The local midnight with which a day begins; None if the text names a moment."""
    today = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"today": today, "yesterday": today - _DAY}.get(text.casefold())
    return datetime.fromisoformat(text) if named is None and _DATE.fullmatch(text) else named
