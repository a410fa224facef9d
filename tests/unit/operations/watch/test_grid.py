"""What was overrun is left out, and the grid is kept."""

from __future__ import annotations

import pytest

from snapioc.operations.watch.grid import next_due


@pytest.mark.parametrize(
    ("due", "period", "now", "following"),
    [
        (0.0, 1.0, 0.0, 1.0),
        (0.0, 1.0, 0.25, 1.0),
        (0.0, 1.0, 1.0, 2.0),
        (0.0, 1.0, 4.5, 5.0),
        (100.0, 0.125, 100.3, 100.375),
    ],
)
def test_the_next_time(due: float, period: float, now: float, following: float) -> None:
    assert next_due(due, period, now) == following
