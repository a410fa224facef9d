"""Arrivals: counts what comes in, and knows when no more is to be waited for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

SLICE = 0.1
"""Seconds of the longest slice in which silence is measured."""


@dataclass(slots=True)
class Tally:
    """How many PVs of a request are done; written in the CA thread, read in the main one."""

    done: int = 0


class Arrivals:
    """Waits until all that is wanted is done, or nothing has been heard for too long."""

    def __init__(self, wanted: int, tally: Tally) -> None:
        self._wanted, self._tally = wanted, tally
        self._heard = 0
        self._complete = asyncio.Event()
        self.last = time.time()
        """Unix time at which something was heard last."""
        self.silent = False
        """Whether the wait ended for want of anything heard."""

    def heard(self) -> None:
        """Something has come in, or has gone out: the wait begins anew."""
        self._heard += 1
        self.last = time.time()

    def done(self, _: object = None) -> None:
        """One of those that are wanted is done."""
        self._tally.done += 1
        if self._tally.done >= self._wanted:
            self._complete.set()

    async def wait(self, timeout: float) -> None:
        """Wait until all are done, or nothing is heard for `timeout` seconds.

        Silence is counted in slices, not by the clock: when the loop itself was held up, answers are waiting in its queue.
        """
        step, quiet = min(SLICE, timeout / 10), 0.0
        while self._tally.done < self._wanted and quiet < timeout:
            before = self._heard
            try:
                async with asyncio.timeout(step):
                    await self._complete.wait()
            except TimeoutError:
                quiet = quiet + step if self._heard == before else 0.0
        self.silent = self._tally.done < self._wanted
