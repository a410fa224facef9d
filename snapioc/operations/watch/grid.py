"""When the next of a row of regular looks is due."""

from __future__ import annotations

import math


def next_due(due: float, period: float, now: float) -> float:
    """The first time after `now` that is a whole number of periods after `due`: what was overrun is left out.

    All in seconds of one clock; `due` is not after `now`.
    """
    return due + period * (math.floor((now - due) / period) + 1)
