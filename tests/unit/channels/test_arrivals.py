"""When a wait for answers ends."""

from __future__ import annotations

import asyncio
import time

from snapioc.channels.arrivals import Arrivals, Tally


async def test_it_ends_at_once_when_all_are_done() -> None:
    tally = Tally()
    arrivals = Arrivals(2, tally)
    arrivals.done()
    asyncio.get_running_loop().call_soon(arrivals.done)
    begun = time.monotonic()
    await arrivals.wait(60)
    assert time.monotonic() - begun < 30
    assert tally.done == 2


async def test_nothing_wanted_is_nothing_to_wait_for() -> None:
    async with asyncio.timeout(30):
        await Arrivals(0, Tally()).wait(60)


async def test_it_ends_after_silence() -> None:
    arrivals = Arrivals(1, Tally())
    begun = time.monotonic()
    await arrivals.wait(0.3)
    assert time.monotonic() - begun >= 0.25


async def test_it_goes_on_as_long_as_something_is_heard() -> None:
    arrivals = Arrivals(1, Tally())
    waiting = asyncio.create_task(arrivals.wait(0.5))
    for _ in range(10):
        await asyncio.sleep(0.1)
        arrivals.heard()
    assert not waiting.done()
    arrivals.done()
    await waiting


async def test_a_loop_that_was_held_up_is_not_taken_for_silence() -> None:
    arrivals = Arrivals(1, Tally())
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(arrivals.wait(0.5))
    await asyncio.sleep(0)
    loop.call_soon(time.sleep, 1.0)
    # What answers while the loop stands still is in its queue behind the expired timer.
    loop.call_later(0.9, arrivals.heard)
    await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    arrivals.done()
    await waiting
