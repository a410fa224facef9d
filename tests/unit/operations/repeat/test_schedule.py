"""The grid of times on which periodic snapshots are due."""

from __future__ import annotations

import pytest

from snapioc.operations.repeat.schedule import Grid


def test_times_do_not_drift() -> None:
    grid, now, dues = Grid(0.1, 5.0), 5.0, []
    while len(dues) < 1000:
        now += 0.013  # whoever looks is always a little late
        if taken := grid.take(now):
            dues.append(taken)
    assert [passed for _, passed in dues] == [0] * 1000
    assert dues[-1][0] == pytest.approx(5.0 + 100.0)


def test_what_passed_is_counted_and_not_caught_up_with() -> None:
    grid = Grid(1.0, 0.0)
    assert grid.take(0.99) is None
    assert grid.take(1.0) == (1.0, 0)
    assert grid.take(1.5) is None
    assert grid.take(600.4) == (600.0, 598)
    assert grid.take(600.5) is None
    assert grid.next == 601.0
