"""Pace: when the next batch of a write may go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

BATCH = 10_000
"""PVs that are written together unless the set says otherwise.

ABORT and Strict stop between two batches, so a batch is what may still be written after them; the bulk engine writes 10,000
PVs in some 20 ms. Each batch costs a crossing to the CA thread and a round trip to its servers: of 40,000 PVs, batches of
500 take 3.7 times as long as one write of all, 1,000 2.2 times, 4,000 1.2 times, 10,000 1.04 times (measured).
"""


class Pace:
    """Batches of at most `batch` PVs, of which each waits for its turn, so that no more than `rate` PVs go per second.

    A batch that comes late is not made up for: no two batches ever follow each other faster than the rate allows. No batch
    is more than a second's worth, so that a low rate does not become long pauses between large batches. `rate` 0 or None
    means no limit.
    """

    def __init__(
        self,
        rate: float | None = None,
        batch: int = BATCH,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.rate = rate or 0.0
        self.batch = min(batch, max(1, int(self.rate))) if self.rate else batch
        self._clock, self._sleep = clock, sleep
        self._due = 0.0

    async def turn(self, size: int) -> None:
        """Return when `size` PVs may be written. Several may wait; they go in the order in which they came."""
        if not self.rate:
            return
        now = self._clock()
        begin = max(now, self._due)
        self._due = begin + size / self.rate
        if begin > now:
            await self._sleep(begin - now)


def lower(rate: float, asked: float) -> float:
    """The rate of a set, which an operator may lower but not raise; 0 means no limit, in both."""
    return min(rate, asked) if rate and asked else rate or asked
