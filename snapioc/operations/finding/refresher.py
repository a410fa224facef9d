"""Refresher: does one piece of work again whenever it is asked to, one at a time, and never oftener than is useful."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

IsLatest = Callable[[], bool]
"""False if somebody asked anew since the work began: then what it found must not be shown."""

_log = logging.getLogger(__name__)


class Refresher:
    """`work` reads what is wanted now, and shows what it found if it is still wanted. It must not raise."""

    def __init__(self, work: Callable[[IsLatest], Awaitable[None]], pause: float) -> None:
        self._work, self._pause = work, pause
        self._asked = self._done = 0
        self._again = False
        self._ended = 0.0
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def now(self, within: float | None = None) -> None:
        """Do it for somebody who waits: returns when what was asked for last is done, or after so many seconds."""
        self._asked += 1
        self._begin()
        await self.settled(within)

    async def settled(self, within: float | None = None) -> None:
        """Return when nothing is being done, or after so many seconds."""
        if self._task:
            await asyncio.wait({self._task}, timeout=within)

    def soon(self, after: float = 0.0) -> None:
        """Do it in `after` seconds, and not before the pause since the last time is over; at once if that was long ago.

        Asked several times meanwhile, it is done once.
        """
        loop = asyncio.get_running_loop()
        due = max(loop.time() + after, (loop.time() if self._task else self._ended) + self._pause)
        if self._closed or (self._timer and self._timer.when() <= due):
            return
        if self._timer:
            self._timer.cancel()
        self._timer = loop.call_at(due, self._fire)

    async def close(self) -> None:
        """Do it no more."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _fire(self) -> None:
        self._timer, self._again = None, True
        self._begin()

    def _begin(self) -> None:
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._done < self._asked or self._again:
                self._again, number = False, self._asked
                await self._work(lambda number=number: self._asked == number)  # type: ignore[misc]
                self._done = number
        except Exception:  # a defect of ours must not end what others wait for for ever; the next try may do
            _log.exception("a page could not be shown")
            self._done = self._asked
        finally:
            self._task, self._ended = None, asyncio.get_running_loop().time()
