"""A clock that goes on when the test says so."""

from __future__ import annotations

import asyncio

from snapioc.operations.repeat.schedule import Clock


async def spin() -> None:
    """Let all that can go on go on."""
    for _ in range(60):
        await asyncio.sleep(0)


class HandClock(Clock):
    def __init__(self) -> None:
        self.time = 1000.0
        self._waiting: dict[asyncio.Event, float] = {}

    def now(self) -> float:
        return self.time

    async def wait(self, wake: asyncio.Event, until: float | None) -> None:
        if until is not None and until <= self.time:
            return
        over = asyncio.Event()
        if until is not None:
            self._waiting[over] = until
        tasks = [asyncio.ensure_future(event.wait()) for event in (wake, over)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.pop(over, None)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def advance(self, seconds: float) -> None:
        """Let time pass, with a halt at each moment that somebody waits for."""
        end = self.time + seconds
        await spin()
        while due := [until for until in self._waiting.values() if until <= end]:
            self.time = max(self.time, min(due))
            for over, until in list(self._waiting.items()):
                if until <= self.time:
                    over.set()
            await spin()
        self.time = end
        await spin()
