"""The pace of a write, on a clock of the test's own."""

from __future__ import annotations

import asyncio

import pytest

from snapioc.operations.pace import BATCH, Pace, lower


class Clock:
    """A clock that goes when somebody sleeps, a little longer than asked, as sleeps do."""

    def __init__(self, overshoot: float = 0.0) -> None:
        self.now = 100.0
        self._overshoot = overshoot

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds + self._overshoot

    def pace(self, rate: float | None, batch: int = BATCH) -> Pace:
        return Pace(rate, batch, clock=self, sleep=self.sleep)


@pytest.mark.parametrize("rate", [None, 0, 0.0])
async def test_without_a_rate_nothing_waits(rate: float | None) -> None:
    clock = Clock()
    pace = clock.pace(rate)
    for _ in range(100):
        await pace.turn(4000)
    assert clock.now == 100.0
    assert pace.batch == BATCH


async def test_the_first_batch_goes_at_once_and_the_others_when_the_rate_allows() -> None:
    clock = Clock()
    pace, times = clock.pace(100, 50), []
    for _ in range(5):
        await pace.turn(50)
        times.append(clock.now - 100)
    assert times == pytest.approx([0, 0.5, 1.0, 1.5, 2.0])


async def test_smaller_batches_wait_less() -> None:
    clock = Clock()
    pace, times = clock.pace(100, 50), []
    for size in (50, 10, 50):
        await pace.turn(size)
        times.append(clock.now - 100)
    assert times == pytest.approx([0, 0.5, 0.6])


async def test_what_came_late_is_not_made_up_for_by_a_burst() -> None:
    clock = Clock()
    pace = clock.pace(100, 50)
    await pace.turn(50)
    clock.now += 60
    times = []
    for _ in range(3):
        await pace.turn(50)
        times.append(clock.now - 160)
    assert times == pytest.approx([0, 0.5, 1.0])


async def test_the_rate_holds_on_average_though_sleeps_are_too_long() -> None:
    clock = Clock(overshoot=0.001)
    pace = clock.pace(1000, 100)
    for _ in range(100):
        await pace.turn(100)
    assert 9.9 <= clock.now - 100 <= 9.9 * 1.02


async def test_several_that_wait_share_the_rate() -> None:
    pace = Pace(200, 10)
    loop = asyncio.get_running_loop()
    begun, order = loop.time(), []

    async def take(number: int) -> None:
        await pace.turn(10)
        order.append(number)

    await asyncio.gather(*(take(number) for number in range(4)))
    assert order == [0, 1, 2, 3]
    assert loop.time() - begun >= 0.149


@pytest.mark.parametrize(("rate", "batch", "expected"), [(100, 4000, 100), (100, 50, 50), (0.5, 50, 1), (1e9, 50, 50)])
def test_no_batch_is_more_than_a_second_s_worth(rate: float, batch: int, expected: int) -> None:
    assert Pace(rate, batch).batch == expected


@pytest.mark.parametrize(("rate", "asked", "expected"), [(0, 0, 0), (0, 5, 5), (5, 0, 5), (5, 3, 3), (3, 5, 3)])
def test_an_operator_may_only_lower_the_rate(rate: float, asked: float, expected: float) -> None:
    assert lower(rate, asked) == expected
