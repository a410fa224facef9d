"""The CA thread as the main loop sees it, with work that blocks as libca does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from snapioc.channels.ca_thread import CaThread
from snapioc.model import SnapError


async def nothing() -> None:
    """No first work."""


@pytest.fixture
async def thread() -> AsyncIterator[CaThread]:
    thread = CaThread()
    thread.start(nothing())
    yield thread
    assert await thread.close(30)


async def test_work_runs_in_the_thread_and_its_result_comes_back(thread: CaThread) -> None:
    async def work() -> str:
        return threading.current_thread().name

    assert await thread.run(work(), 5) == "CA"


async def test_what_the_work_raises_comes_back(thread: CaThread) -> None:
    async def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await thread.run(work(), 5)


async def test_work_that_takes_long_is_waited_for_as_long_as_the_thread_lives(thread: CaThread) -> None:
    assert await thread.run(asyncio.sleep(3, "done"), 2) == "done"


async def test_a_blocked_thread_is_an_error_and_the_main_loop_goes_on(thread: CaThread) -> None:
    let_go = threading.Event()

    async def work() -> None:
        let_go.wait(60)

    turns = 0
    running = asyncio.create_task(thread.run(work(), 1))
    while not running.done():
        turns += 1
        await asyncio.sleep(0.01)
    with pytest.raises(SnapError, match="hung IOC"):
        await running
    let_go.set()
    assert turns > 2
    assert await thread.run(asyncio.sleep(0, "back"), 10) == "back"


async def test_cancelling_the_caller_cancels_the_work(thread: CaThread) -> None:
    cancelled = threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    running = asyncio.create_task(thread.run(work(), 5))
    await asyncio.sleep(0.2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.to_thread(cancelled.wait, 30)


async def test_meanwhile_is_called_in_the_main_thread(thread: CaThread) -> None:
    names: list[str] = []
    await thread.run(asyncio.sleep(0.5), 5, lambda: names.append(threading.current_thread().name))
    assert set(names) == {"MainThread"}
    assert len(names) <= 7


async def test_a_thread_that_is_blocked_is_left_behind(thread: CaThread) -> None:
    let_go = threading.Event()

    async def work() -> None:
        let_go.wait(60)

    with pytest.raises(SnapError):
        await thread.run(work(), 0.2)
    begun = time.monotonic()
    assert not await thread.close(0.3)
    assert time.monotonic() - begun < 10
    let_go.set()


async def test_after_its_end_it_takes_no_work() -> None:
    thread = CaThread()
    thread.start(nothing())
    assert await thread.close(30)
    with pytest.raises(SnapError, match="not running"):
        await thread.run(nothing(), 5)


def test_what_the_first_work_raises_is_raised_by_start() -> None:
    async def broken() -> None:
        raise OSError("no libca")

    thread = CaThread()
    with pytest.raises(OSError, match="no libca"):
        thread.start(broken())
    assert asyncio.run(thread.close(30))
