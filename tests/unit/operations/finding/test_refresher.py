"""Refresher: one piece of work at a time, the last one wins, and nothing oftener than is useful."""

from __future__ import annotations

import asyncio
import logging

import pytest

from snapioc.operations.finding.refresher import IsLatest, Refresher


class Work:
    """Shows what was wanted when it began, after the gate was opened, if it is still wanted."""

    def __init__(self, pause: float = 0.0) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.wanted = 0
        self.begun: list[int] = []
        self.shown: list[int] = []
        self.at_once = 0
        self.fault: Exception | None = None
        self.refresher = Refresher(self.do, pause)

    async def do(self, is_latest: IsLatest) -> None:
        wanted = self.wanted
        self.begun.append(wanted)
        self.at_once += 1
        assert self.at_once == 1
        await self.gate.wait()
        self.at_once -= 1
        if self.fault:
            raise self.fault
        if is_latest():
            self.shown.append(wanted)

    async def has_begun(self) -> None:
        while not self.begun:
            await asyncio.sleep(0)


async def test_who_asks_waits_until_it_is_shown() -> None:
    work = Work()
    await work.refresher.now()
    assert work.shown == [0]


async def test_the_last_one_wins_and_all_wait_for_it() -> None:
    work = Work()
    work.gate.clear()
    asked = []
    for work.wanted in (1, 2, 3):
        asked.append(asyncio.create_task(work.refresher.now()))
        await work.has_begun()
        await asyncio.sleep(0)
    assert work.begun == [1]
    work.gate.set()
    await asyncio.gather(*asked)
    assert (work.begun, work.shown) == ([1, 3], [3])


async def test_news_do_not_take_away_what_somebody_asked_for() -> None:
    work = Work()
    work.gate.clear()
    asked = asyncio.create_task(work.refresher.now())
    await work.has_begun()
    work.refresher._fire()  # as the timer does
    work.wanted = 1
    work.gate.set()
    await asked
    assert work.shown == [0, 1]


async def test_much_news_is_one_look() -> None:
    work = Work(pause=3600)
    await work.refresher.now()
    for _ in range(100):
        work.refresher.soon()
    await asyncio.sleep(0.02)
    assert work.begun == [0]
    await work.refresher.close()


async def test_the_first_news_for_long_is_looked_at_at_once() -> None:
    work = Work(pause=0.001)
    await work.refresher.now()
    await asyncio.sleep(0.01)
    work.wanted = 1
    work.refresher.soon()
    async with asyncio.timeout(30):
        while work.shown != [0, 1]:
            await asyncio.sleep(0.001)


async def test_news_come_before_a_later_try() -> None:
    work = Work(pause=0.001)
    work.refresher.soon(3600)
    work.refresher.soon()
    async with asyncio.timeout(30):
        while not work.shown:
            await asyncio.sleep(0.001)
    await work.refresher.close()


async def test_somebody_may_wait_no_longer() -> None:
    work = Work()
    work.gate.clear()
    await work.refresher.now(0.001)
    assert work.shown == []
    work.gate.set()
    await work.refresher.settled()
    assert work.shown == [0]


async def test_a_defect_is_logged_and_the_next_try_works(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    work.fault = RuntimeError("a defect")
    with caplog.at_level(logging.ERROR):
        await work.refresher.now()
    assert "a defect" in caplog.text
    work.fault, work.at_once = None, 0
    await work.refresher.now()
    assert work.shown == [0]


async def test_closed_it_does_no_more() -> None:
    work = Work()
    work.gate.clear()
    asked = asyncio.create_task(work.refresher.now())
    await work.has_begun()
    await work.refresher.close()
    await asked
    work.refresher.soon()
    await work.refresher.now()
    assert (work.begun, work.shown) == ([0], [])
