"""Arrivals: counts replies, and knows when no more are to be waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PROGRESS_PERIOD = 0.1
"""Seconds between two reports of progress."""


class Arrivals:
    """Counts what has arrived; `last` is the Unix time of the newest arrival."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress = progress
        self._count, self._reported = 0, 0.0
        self._last = time.monotonic()
        self._more = asyncio.Event()
        self.last = time.time()

    def note(self, _: object = None) -> None:
        """One more has arrived."""
        self._count += 1
        self._last, self.last = time.monotonic(), time.time()
        self._more.set()
        if self._last - self._reported >= PROGRESS_PERIOD:
            self._reported = self._last
            self._progress(self._count)

    async def wait(self, count: int, timeout: float) -> bool:
        """Wait until so many have arrived (True), or none has for `timeout` seconds (False)."""
        while self._count < count:
            self._more.clear()
            try:
                await asyncio.wait_for(self._more.wait(), self._last + timeout - time.monotonic())
            except TimeoutError:
                if time.monotonic() - self._last >= timeout:
                    return False
        return True
