"""When the next snapshot is due: a grid of times without drift, and a clock that a test can drive."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress


class Clock:
    """Seconds that only go on, whatever happens to the time of day (time.monotonic)."""

    def now(self) -> float:
        """The time now."""
        return time.monotonic()

    async def wait(self, wake: asyncio.Event, until: float | None) -> None:
        """Return when `wake` is set, or at a time."""
        remaining = None if until is None else max(0.0, until - self.now())
        with suppress(TimeoutError):
            async with asyncio.timeout(remaining):
                await wake.wait()


class Grid:
    """Times `period` seconds apart. Those that pass while nobody takes them are counted, and never caught up with."""

    def __init__(self, period: float, start: float) -> None:
        self.period, self._start = period, start
        self._index = 1

    @property
    def next(self) -> float:
        """The next time; it may have passed."""
        return self._start + self._index * self.period

    def take(self, now: float) -> tuple[float, int] | None:
        """The newest time that has come, with how many before it were passed by; None if none has come."""
        if now < self.next:
            return None
        index = max(self._index, int((now - self._start) // self.period))
        passed, self._index = index - self._index, index + 1
        return self._start + index * self.period, passed
