"""Job: one running operation, which shows its progress and can be aborted at its safe points."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from .state import GroupState, Named, Result, Status

T = TypeVar("T")


class Aborted(Exception):
    """ABORT was put, and the operation has come to a safe point."""


class Failed(Exception):
    """The operation cannot go on; the text is its MESSAGE."""

    def __init__(self, message: str, failures: Named = ()) -> None:
        super().__init__(message)
        self.failures = failures


class Job:
    """One operation on a group's state. Counts and progress go there; the group publishes them."""

    def __init__(self, state: GroupState, publish: Callable[[], Awaitable[None]]) -> None:
        self.state = state
        self._publish = publish
        self._abort = asyncio.Event()
        self._begun = time.monotonic()
        self._span = (0.0, 0.0, 1)
        for name in ("total", "done", "failed", "skipped", "unchanged", "invalid"):
            setattr(state, name, 0)
        state.progress = state.elapsed = 0.0
        state.failures = ()

    def abort(self) -> None:
        """Ask the operation to stop at its next safe point."""
        self.state.status = Status.ABORTING
        self._abort.set()

    async def step(self, status: Status, message: str, start: float, end: float, size: int = 1) -> None:
        """Enter and publish a step that takes PROGRESS from `start` to `end` per cent while `advance` counts to `size`.

        Raises Aborted if ABORT was put.
        """
        self.safe_point()
        self.state.status, self.state.message = status, message
        self._span = (start, end, max(size, 1))
        self.advance(0)
        await self._publish()

    async def show(self, status: Status) -> None:
        """Publish a change of status within a step."""
        if not self._abort.is_set() and self.state.status is not status:
            self.state.status = status
            await self._publish()

    def advance(self, done: float) -> None:
        """Say how much of the step is done; PROGRESS never falls."""
        start, end, size = self._span
        self.state.progress = max(self.state.progress, start + (end - start) * min(done / size, 1.0))
        self.tick()

    def tick(self) -> None:
        """Bring ELAPSED up to date."""
        self.state.elapsed = time.monotonic() - self._begun

    def safe_point(self) -> None:
        """Raise Aborted if ABORT was put."""
        if self._abort.is_set():
            raise Aborted

    async def abortable(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work`, which may be given up half done: raises Aborted as soon as ABORT is put."""
        task = asyncio.ensure_future(work)
        abort = asyncio.ensure_future(self._abort.wait())
        try:
            await asyncio.wait({task, abort}, return_when=asyncio.FIRST_COMPLETED)
            self.safe_point()
            return await task
        finally:
            for pending in (task, abort):
                pending.cancel()
            await asyncio.gather(task, abort, return_exceptions=True)

    def end(self, result: Result, message: str) -> None:
        """Write the result; PROGRESS reaches 100 only if all was gone through."""
        self.state.result, self.state.message = result, message
        if result in (Result.SUCCESS, Result.PARTIAL):
            self.state.progress = 100.0
        self.tick()
