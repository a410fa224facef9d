"""WaitingPut: a put of the aioca engine that is waited for until its own time is over.

As every put of that engine it takes up room on its circuit until its put-callback comes.
"""

from __future__ import annotations

import asyncio
import logging

from snapioc.model import Outcome

from .writer import LONG_TEXT_TIMEOUT, Put

LOOK = 0.05
"""Seconds between two looks at whether a busy record is free."""

_log = logging.getLogger(__name__)


class WaitingPut(Put):
    """A busy record is told the new value at once, and once more when it is free: only that can be waited for."""

    async def run(self) -> Outcome:
        """Send it and wait for its answer; once it is given up nothing more is sent."""
        if self.link.hung:
            return Outcome.UNSENDABLE
        if self.must_wait and not await self.link.wait_connected(LONG_TEXT_TIMEOUT):
            return Outcome.UNSENDABLE
        if not self.link.look():
            return Outcome.DISCONNECTED
        if self.link.put_unanswered:
            outcome = await self._follow()
            if outcome is not Outcome.PENDING:
                return outcome
            while self.link.put_unanswered:
                await asyncio.sleep(LOOK)
        return await self._lead()


async def outcome_of(put: Put, task: asyncio.Task[Outcome], timeout: float) -> Outcome:
    """What becomes of a put that `task` runs, within so many seconds; then it is given up."""
    try:
        await asyncio.wait({task}, timeout=timeout)
    finally:
        give_up(put, task)
    return outcome_now(put, task)


def give_up(put: Put, task: asyncio.Task[Outcome]) -> None:
    """What was not sent is not sent later; what was sent has an answer coming, which frees its channel."""
    put.given_up = True
    if not put.sent:
        task.cancel()


def outcome_now(put: Put, task: asyncio.Task[Outcome]) -> Outcome:
    """What has become of a put so far."""
    if not task.done():
        return Outcome.PENDING if put.sent else Outcome.UNSENDABLE
    if task.cancelled():
        return Outcome.UNSENDABLE
    if task.exception():
        _log.error("the put to %s failed", put.link.name, exc_info=task.exception())
        return Outcome.UNSENDABLE
    return task.result()
