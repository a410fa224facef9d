"""Sender: hands rows of one write to the channels, keeps the books of them, and knows when no more is to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Outcome, Readings

from .protocols import Channels
from .state import Status
from .ways import Rows, Ways
from .written import Written

T = TypeVar("T")


class Control(Protocol):
    """The job that a write belongs to; see `Job`."""

    def advance(self, done: int) -> None:
        """So many PVs are done."""

    def safe_point(self) -> None:
        """Raise Aborted if ABORT was put."""

    async def abortable(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work`; raises Aborted as soon as ABORT is put."""

    async def show(self, status: Status) -> None:
        """Publish that the job is Writing, or only Waiting."""


class Sender:
    """`timeout` (s) is that of plain writes, and of waits whose member says none. `waits` are those that are under way."""

    def __init__(
        self,
        channels: Channels,
        ways: Ways,
        written: Written,
        control: Control,
        *,
        timeout: float,
        stop_on_failure: bool,
        verify: bool,
    ) -> None:
        self._channels, self._ways, self._written, self._control = channels, ways, written, control
        self._timeout, self._stop_on_failure, self._verify = timeout, stop_on_failure, verify
        self._settled = 0
        self._on_way: dict[object, int] = {}
        self.waits: set[asyncio.Task[None]] = set()
        self.stopped = False

    async def write(self, rows: Rows, values: Readings) -> None:
        """Write rows with their last values."""
        key = object()
        outcomes = await self._put(rows, values, lambda done: self._count(key, done))
        self._settle(rows, self._bad(outcomes), key)

    async def step(self, rows: Rows, values: Readings, last: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Write rows of which some have their `last` values and some are on their way; returns those that were broken off.

        One that is not answered on its way is broken off as well: nobody knows where it stands.
        """
        outcomes = await self._put(rows, values, lambda _: None)
        broken: NDArray[np.bool_] = ~last & (outcomes != Outcome.DONE)
        self._written.outcomes[rows[~last & ~broken]] = Outcome.PENDING
        self._written.late[rows[broken & (outcomes == Outcome.PENDING)]] = True
        ended = last | broken
        self._settle(rows[ended], broken[ended] | self._bad(outcomes[ended]))
        return broken

    def begin_wait(self, rows: Rows, values: Readings) -> None:
        """Write rows with their last values, and wait for them beside all else."""
        self.waits.add(asyncio.create_task(self.guard(lambda: self._wait(rows, values))))

    async def guard(self, part: Callable[[], Awaitable[None]]) -> None:
        """Do a part of the write; if that raises, the other parts are to end as well."""
        try:
            await part()
        except (asyncio.CancelledError, Exception):
            self.stop()
            raise

    def stop(self) -> None:
        """Send no more, and wait no more."""
        self.stopped = True
        for task in self.waits:
            task.cancel()

    async def _put(self, rows: Rows, values: Readings, progress: Callable[[int], None]) -> NDArray[np.uint8]:
        before = self._written.begin(rows)
        outcomes = await self._channels.write(self._ways.names(rows), values, self._timeout, progress)
        self._written.end(rows, outcomes, before)
        return outcomes

    async def _wait(self, rows: Rows, values: Readings) -> None:
        own = self._ways.timeout[rows]
        timeouts = np.where(np.isnan(own), self._timeout, own)
        key, outcomes, before = object(), np.full(len(rows), Outcome.NOT_SENT, np.uint8), self._written.begin(rows)

        def progress(done: int) -> None:
            self._count(key, done)
            self._stop_if(~np.isin(outcomes, (Outcome.DONE, Outcome.NOT_SENT)))

        work = self._channels.put_and_wait(self._ways.names(rows), values, timeouts, progress, outcomes)
        try:
            await self._control.abortable(work)
        finally:
            # Given up, rows without an outcome may have been sent.
            known = np.where(outcomes == Outcome.NOT_SENT, Outcome.PENDING, outcomes).astype(np.uint8)
            self._written.end(rows, known, before)
            self._written.late[rows] = outcomes == Outcome.PENDING
        self._settle(rows, outcomes != Outcome.DONE, key)

    def _bad(self, outcomes: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """What has failed of what nobody asked to wait for."""
        left_to_read_back = (outcomes == Outcome.PENDING) & self._verify
        bad: NDArray[np.bool_] = (outcomes != Outcome.DONE) & ~left_to_read_back
        return bad

    def _settle(self, rows: Rows, bad: NDArray[np.bool_], key: object = None) -> None:
        self._settled += len(rows)
        self._on_way.pop(key, None)
        self._advance()
        self._stop_if(bad)

    def _count(self, key: object, done: int) -> None:
        self._on_way[key] = done
        self._advance()

    def _advance(self) -> None:
        self._control.advance(self._settled + sum(self._on_way.values()))

    def _stop_if(self, bad: NDArray[np.bool_]) -> None:
        if self._stop_on_failure and bad.any():
            self.stop()
