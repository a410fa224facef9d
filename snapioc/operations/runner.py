"""Runner: runs the operations of a group one at a time, each as a task of its own that no client can stop by going away."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress

from snapioc.model import Refused, SnapError

from .job import Aborted, Failed, Job
from .plant import Plant
from .state import GroupState, Result, Status, View

PUBLISH_PERIOD = 0.1
"""Seconds between two looks at PROGRESS and ELAPSED while an operation runs."""

_log = logging.getLogger(__name__)


class Runner(ABC):
    """The state of a group, and the operation that runs. `view` has to be set before the first one."""

    view: View

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.state = GroupState(status=plant.resting)
        self._job: Job | None = None
        self._task: asyncio.Task[bool] | None = None
        self._abort_asked = False

    @property
    @abstractmethod
    def label(self) -> str:
        """The group in a person's words."""

    @property
    def busy(self) -> bool:
        """True while an operation runs, or a command is being looked at."""
        return self._task is not None

    async def abort(self) -> None:
        """Stop the running operation at its next safe point and wait until it has ended; idle, do nothing."""
        self._abort_asked = self.busy
        if self._job:
            self._job.abort()
            await self.view.changed()
        if self._task:
            with suppress(Refused):
                await asyncio.shield(self._task)

    async def close(self) -> None:
        """Cancel what runs, because the IOC stops."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def show(self, fill: Callable[[GroupState], None]) -> None:
        """Show what `fill` writes as the last operation, as soon as none runs."""
        while self._task:
            await asyncio.wait({self._task})
        fill(self.state)
        await self.view.ended()

    async def ready(self) -> None:
        """Show Idle instead of Starting."""
        if self.state.status is Status.STARTING:
            self.state.status = Status.IDLE
            await self.view.ended()

    async def refused(self, why: str) -> None:
        """Count a put that was refused, and show why (rule 4)."""
        self.state.refused += 1
        self.state.refused_why = why
        await self.view.changed()

    def _require_idle(self) -> None:
        if self.busy:
            raise Refused(f"{self.label} is busy ({self.state.status.name.capitalize()})")

    async def _start(self, work: Awaitable[bool]) -> bool:
        self._abort_asked = False
        self._task = asyncio.ensure_future(work)
        self._task.add_done_callback(self._forget)
        return await asyncio.shield(self._task)

    def _forget(self, task: asyncio.Task[bool]) -> None:
        if self._task is task:
            self._task = None

    async def _operate(self, work: Callable[[Job], Awaitable[None]], stack: ExitStack) -> bool:
        """Run a job to its end and publish it; True if it is wholly done."""
        self.state.show_all = "the IOC's log has all"
        self._job = job = Job(self.state, self.view.changed)
        if self._abort_asked:
            job.abort()
        ticker = asyncio.create_task(self._publish_progress(job))
        try:
            with stack:
                await self.plant.notify()
                await self._run(work, job)
        finally:
            ticker.cancel()
            self._job = self._task = None
        self.state.ops += 1
        self.state.status, self.state.saving = self.plant.resting, False
        self.state.undoing = False
        self._log_end()
        await self.plant.notify()
        await self.view.ended()
        return self.state.result is Result.SUCCESS

    async def _run(self, work: Callable[[Job], Awaitable[None]], job: Job) -> None:
        try:
            await work(job)
        except Failed as failed:
            job.end(Result.FAILED, str(failed))
        except Aborted:
            job.end(Result.ABORTED, "Aborted")
        except SnapError as fault:
            job.end(Result.FAILED, f"Failed: {fault}")
        except Exception as fault:  # a defect of ours must end as a failed put that is logged, not as a dead group
            _log.exception("operation of %s", self.label)
            job.end(Result.FAILED, f"Failed by a defect of snapioc, see its log: {fault!r}")

    def _log_end(self) -> None:
        state = self.state
        _log.log(logging.INFO if state.result is Result.SUCCESS else logging.WARNING, "%s: %s", self.label, state.message)
        if not state.show_all.startswith("snapioc "):
            for pv, why in state.failures:
                _log.info("%s: %s: %s", self.label, pv, why)

    async def _publish_progress(self, job: Job) -> None:
        while True:
            await asyncio.sleep(PUBLISH_PERIOD)
            job.tick()
            await self.view.changed()
