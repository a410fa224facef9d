"""Group: the commands of one set, or of the console, each run as one job that no client can stop by going away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import replace

from snapioc.model import Origin, Refused, Selection, SnapError, Snapshot, StoreError, UnknownSnapshot, select

from .health import look_at_store
from .job import Aborted, Failed, Job
from .plant import Plant, SetSettings
from .restore import Restore
from .save import Labels, save
from .state import GroupState, Inputs, Result, Status, View

PUBLISH_PERIOD = 0.1
"""Seconds between two looks at PROGRESS and ELAPSED while an operation runs."""

_log = logging.getLogger(__name__)


class Group:
    """The control state of one set. Commands return True if the operation did what was asked, and raise Refused before it.

    A refusal touches nothing. `view` has to be set before the first command.
    """

    view: View

    def __init__(self, plant: Plant, settings: SetSettings, name: str | None = None) -> None:
        self.plant = plant
        self.name = settings.pv_set.name if name is None else name
        self.state = GroupState(status=Status.IDLE)
        self.inputs = Inputs(policy=settings.policy, verify=settings.verify)
        self._settings = settings
        self._job: Job | None = None
        self._task: asyncio.Task[bool] | None = None
        self._abort_asked = False

    @property
    def settings(self) -> SetSettings:
        """The set that TRIGGER saves."""
        return self._settings

    @property
    def label(self) -> str:
        """The group in a person's words."""
        return self.name

    @property
    def busy(self) -> bool:
        """True while an operation runs, or a command is being looked at."""
        return self._task is not None

    async def remember(self) -> None:
        """Take over the newest snapshot of this group's own TRIGGER from the store. Raises StoreError."""
        header = await self.plant.store.newest(group=self.name)
        if header and header.id > self.state.last_id:
            self._remember(header.id, header.taken_at, header.title)
            await self.view.changed()

    async def trigger(self, origin: Origin) -> bool:
        """Save the set now; True if the snapshot is committed and as complete as the set asks for."""
        with ExitStack() as stack:
            self._require_idle()
            settings = self.settings
            hold = self.plant.locks.hold(f"the save of {self.label}", settings.pv_set.pvs, writes=False)
            stack.enter_context(hold)
            seen = dict(self.inputs.writes)
            labels = Labels(self.inputs.title, self.inputs.comment, _tags(self.inputs.tags), origin)
            return await self._start(self._save(stack.pop_all(), settings, labels, seen))

    async def restore(self, snapshot_id: int, origin: Origin) -> bool:
        """Restore a snapshot; True if every PV that was to be written took its value. 0 does nothing."""
        if snapshot_id == 0:
            return True
        self._require_idle()
        self.plant.require_enabled()
        return await self._start(self._restore(snapshot_id, origin, replace(self.inputs, writes=dict(self.inputs.writes))))

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

    async def _save(self, stack: ExitStack, settings: SetSettings, labels: Labels, seen: dict[str, int]) -> bool:
        async def work(job: Job) -> None:
            self.state.saving = True
            try:
                header = await save(job, self.plant, settings, labels)
            except Aborted:
                job.end(Result.ABORTED, f"Save of {settings.pv_set.name} aborted: nothing was stored")
                return
            self._remember(header.id, header.taken_at, header.title)
            self.state.show_all = f"snapioc show {header.id}"
            self.plant.is_newest(header)
            self.inputs.clear_unless_changed(seen, "title", "comment", "tags")

        await self._operate(work, stack)
        return self.state.result in (Result.SUCCESS, Result.PARTIAL)

    async def _restore(self, snapshot_id: int, origin: Origin, inputs: Inputs) -> bool:
        await self.plant.require_permit()
        try:
            snapshot = await self.plant.store.load(snapshot_id)
        except UnknownSnapshot as unknown:
            raise Refused(str(unknown)) from unknown
        except StoreError as fault:
            self.state.restore_id = snapshot_id
            await look_at_store(self.plant)
            why = f"Restore of {snapshot_id} failed: nothing was written, as {fault}"
            return await self._operate(lambda job: _fail(why), ExitStack())
        # Many globs on many PVs take their time, and the control PVs must answer meanwhile.
        selection = await asyncio.to_thread(self._select, snapshot, inputs.filter)
        how = (inputs.filter, inputs.policy, inputs.verify, origin)

        async def work(job: Job) -> None:
            await Restore(self.plant, job, snapshot, selection, *how).run()
            if self.state.result is Result.SUCCESS:
                self.inputs.clear_unless_changed(inputs.writes, "filter")

        with ExitStack() as stack:
            pvs = [snapshot.pv_set.members[row].pv for row in selection.rows]
            stack.enter_context(self.plant.locks.hold(f"the restore of {snapshot_id} by {self.label}", pvs, writes=True))
            self.state.restore_id = snapshot_id
            await self._operate(work, stack.pop_all())
        return self.state.result is Result.SUCCESS

    def _select(self, snapshot: Snapshot, filter_text: str) -> Selection:
        header = snapshot.header
        if not self.accepts(header.set_name):
            raise Refused(f"snapshot {header.id} is of the set {header.set_name}: restore it there or on the console")
        selection = select(snapshot.pv_set, snapshot.readings, filter_text)
        if not selection.matched:
            raise Refused(f"the filter {filter_text!r} matches no PV of snapshot {header.id}")
        return selection

    def accepts(self, set_name: str) -> bool:
        """Whether this group restores snapshots of that set."""
        return set_name == self.name

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
        self.state.status, self.state.saving = Status.IDLE, False
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

    def _remember(self, snapshot_id: int, taken_at: float, title: str) -> None:
        self.state.last_id, self.state.last_time, self.state.last_title = snapshot_id, taken_at, title


class Console(Group):
    """The group for people: it acts on the set named in SET, and restores snapshots of any set."""

    def __init__(self, plant: Plant) -> None:
        self.selected = next(iter(plant.sets))
        super().__init__(plant, plant.sets[self.selected], name="")

    @property
    def settings(self) -> SetSettings:
        """The set named in SET."""
        return self.plant.sets[self.selected]

    @property
    def label(self) -> str:
        """The console in a person's words."""
        return "the console"

    def choose(self, set_name: str) -> None:
        """Act on another set from now on. Raises Refused if there is none of this name."""
        if set_name not in self.plant.sets:
            raise Refused(f"there is no set {set_name!r}; the sets are {', '.join(self.plant.sets)}")
        self.selected = set_name

    def accepts(self, set_name: str) -> bool:
        """The console restores snapshots of any set, also of those that are configured no more."""
        return True


def _tags(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))


async def _fail(why: str) -> None:
    raise Failed(why)
