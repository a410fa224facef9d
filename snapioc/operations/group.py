"""Group: the commands of one set, or of the console, each run as one job that no client can stop by going away."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace

from snapioc.model import Origin, Refused, RestoreRecord, Snapshot, StoreError, UnknownSnapshot, asked_pvs, canonical_name

from .compare import compare
from .health import look_at_store
from .job import Aborted, Failed, Job
from .order import RestoreOrder
from .ordering import restore_order, undo_order
from .plant import Plant, SetSettings
from .preview import preview
from .restore import Restore
from .runner import Runner
from .save import Labels, save
from .state import Compared, Inputs, Result
from .wording import tags_of


class Group(Runner):
    """The control state of one set. Commands return True if the operation did what was asked, and raise Refused before it.

    A refusal touches nothing.
    """

    def __init__(self, plant: Plant, settings: SetSettings, name: str | None = None) -> None:
        super().__init__(plant)
        self.name = settings.pv_set.name if name is None else name
        self.inputs = Inputs(policy=settings.policy, changed_only=settings.changed_only, verify=settings.verify)
        self._settings = settings
        self.restored: str | None = None
        """The set of the snapshot that was restored here last."""
        plant.deleted_watchers.append(self._deleted)

    @property
    def settings(self) -> SetSettings:
        """The set that TRIGGER saves."""
        return self._settings

    @property
    def label(self) -> str:
        """The group in a person's words."""
        return self.name

    @property
    def undo_point(self) -> RestoreRecord | None:
        """The restore that UNDO would take back."""
        return self.plant.undo_points.get(self.settings.pv_set.name)

    async def remember(self) -> None:
        """Take over the newest snapshot of this group's own TRIGGER from the store. Raises StoreError."""
        header = await self.plant.store.newest(group=self.name)
        if header and header.id > self.state.last_id:
            self._remember(header.id, header.taken_at, header.title)
            await self.view.changed()

    async def _deleted(self, snapshot_id: int) -> None:
        """Show the one before it, if it was the newest of its own. Raises StoreError."""
        if self.state.last_id == snapshot_id:
            self._remember(0, 0.0, "")
            try:
                await self.remember()
            finally:
                await self.view.changed()

    async def trigger(self, origin: Origin) -> bool:
        """Save the set now; True if the snapshot is committed and as complete as the set asks for."""
        with ExitStack() as stack:
            self._require_idle()
            settings = self.settings
            self._hold(stack, "the save", settings.pv_set.canonical, writes=False)
            seen = dict(self.inputs.writes)
            labels = Labels(self.inputs.title, self.inputs.comment, tags_of(self.inputs.tags), origin)
            return await self._start(self._save(stack.pop_all(), settings, labels, seen))

    async def restore(self, snapshot_id: int, origin: Origin) -> bool:
        """Restore a snapshot; True if every PV that was to be written took its value. 0 does nothing."""
        if snapshot_id == 0:
            return True
        self._require_idle()
        self.plant.require_enabled()
        return await self._start(self._restore(snapshot_id, origin, self._inputs_now()))

    async def preview(self, snapshot_id: int, origin: Origin) -> bool:
        """Do all of a restore but its writes; True if the restore would do what is asked. 0 does nothing."""
        if snapshot_id == 0:
            return True
        self._require_idle()
        return await self._start(self._preview(snapshot_id, origin, self._inputs_now()))

    async def undo(self, origin: Origin) -> bool:
        """Take back the last restore of the set that wrote anything; True if all PVs hold again what they held before."""
        self._require_idle()
        self.plant.require_enabled()
        return await self._start(self._undo(origin, self._inputs_now()))

    async def compare(self, snapshot_id: int) -> bool:
        """Compare a snapshot with COMPARE_WITH; True if that was done, whatever it found. 0 does nothing."""
        if snapshot_id == 0:
            return True
        self._require_idle()
        return await self._start(self._compare(snapshot_id, self.inputs.compare_with))

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
            order = await self._order(await self._load(snapshot_id), inputs, origin)
        except StoreError as fault:
            self.state.restore_id = snapshot_id
            return await self._fail_without_store(f"Restore of {snapshot_id} failed: nothing was written, as {fault}")

        async def work(job: Job) -> None:
            await self._carry_out(job, order)
            if self.state.result is Result.SUCCESS:
                self.inputs.clear_unless_changed(inputs.writes, "filter")

        with ExitStack() as stack:
            self._hold(stack, f"the restore of {snapshot_id}", order.pvs, writes=True)
            self.state.restore_id = snapshot_id
            self.restored = order.snapshot.header.set_name
            await self._operate(work, stack.pop_all())
        return self.state.result is Result.SUCCESS

    async def _order(self, snapshot: Snapshot, inputs: Inputs, origin: Origin) -> RestoreOrder:
        configured = self.plant.sets.get(snapshot.header.set_name)
        return await restore_order(snapshot, inputs, origin, configured.pv_set if configured else None)

    async def _undo(self, origin: Origin, inputs: Inputs) -> bool:
        await self.plant.require_permit()
        try:
            order = await undo_order(self.plant.store, self.settings.pv_set.name, inputs, origin)
        except StoreError as fault:
            return await self._fail_without_store(f"Undo failed: nothing was written, as {fault}")
        with ExitStack() as stack:
            self._hold(stack, "the undo", order.pvs, writes=True)
            self.state.undoing = True
            await self._operate(lambda job: self._carry_out(job, order), stack.pop_all())
        return self.state.result is Result.SUCCESS

    async def _carry_out(self, job: Job, order: RestoreOrder) -> None:
        await Restore(self.plant, job, order).run()
        await self.plant.look_at_undo(order.snapshot.header.set_name)

    async def _preview(self, snapshot_id: int, origin: Origin, inputs: Inputs) -> bool:
        try:
            order = await self._order(await self._load(snapshot_id), inputs, origin)
        except StoreError as fault:
            self.state.preview_id = snapshot_id
            return await self._fail_without_store(f"Preview of {snapshot_id} failed: {fault}")
        with ExitStack() as stack:
            self._hold(stack, f"the preview of {snapshot_id}", order.pvs, writes=False)
            self.state.preview_id = snapshot_id
            await self._operate(lambda job: self._carry_out_preview(job, order), stack.pop_all())
        return self.state.result is Result.SUCCESS

    async def _carry_out_preview(self, job: Job, order: RestoreOrder) -> None:
        await preview(job, self.plant, order)
        try:
            await self.plant.require_permit()
        except Refused as refused:
            job.end(Result.PARTIAL, f"{self.state.message}; but a restore would be refused now: {refused}")

    def _hold(self, stack: ExitStack, what: str, pvs: Iterable[str], *, writes: bool) -> None:
        """Lock PVs until the stack is closed; they are in their canonical names."""
        stack.enter_context(self.plant.locks.hold(f"{what} by {self.label}", pvs, writes=writes))

    def _inputs_now(self) -> Inputs:
        return replace(self.inputs, writes=dict(self.inputs.writes))

    async def _compare(self, snapshot_id: int, other_id: int) -> bool:
        try:
            stored = await self._load(snapshot_id)
            other = await self._load(other_id) if other_id else None
        except StoreError as fault:
            self.state.compare_id = snapshot_id
            self.state.compared = Compared()
            return await self._fail_without_store(f"Compare of {snapshot_id} failed: {fault}")
        with ExitStack() as stack:
            if other is None:
                self._hold(stack, f"the compare of {snapshot_id}", _canonical(stored, asked_pvs(stored)), writes=False)
            self.state.compare_id = snapshot_id
            await self._operate(lambda job: self._carry_out_compare(job, stored, other), stack.pop_all())
        return self.state.result in (Result.SUCCESS, Result.PARTIAL)

    async def _carry_out_compare(self, job: Job, stored: Snapshot, other: Snapshot | None) -> None:
        try:
            await compare(job, self.plant, stored, other)
        finally:
            # Only a console has pages of differences: for the others both sides of it would be kept for nothing.
            self.state.compared = replace(self.state.compared, ranked=None)

    async def _load(self, snapshot_id: int) -> Snapshot:
        """A snapshot that this group may use. Raises Refused if there is none, StoreError if the store does not answer."""
        try:
            snapshot = await self.plant.store.load(snapshot_id)
        except UnknownSnapshot as unknown:
            raise Refused(str(unknown)) from unknown
        if not self.accepts(snapshot.header.set_name):
            raise Refused(f"snapshot {snapshot_id} is of the set {snapshot.header.set_name}: use its group or the console")
        return snapshot

    async def _fail_without_store(self, why: str) -> bool:
        await look_at_store(self.plant)
        return await self._operate(lambda job: _fail(why), ExitStack())

    def accepts(self, set_name: str) -> bool:
        """Whether this group restores and compares snapshots of that set."""
        return set_name == self.name

    def _remember(self, snapshot_id: int, taken_at: float, title: str) -> None:
        self.state.last_id, self.state.last_time, self.state.last_title = snapshot_id, taken_at, title


def _canonical(snapshot: Snapshot, pvs: tuple[str, ...]) -> Iterable[str]:
    return snapshot.pv_set.canonical if pvs == snapshot.pv_set.pvs else map(canonical_name, pvs)


async def _fail(why: str) -> None:
    raise Failed(why)
