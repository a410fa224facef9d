"""What a start finds of the restores that a kill interrupted, on a machine and a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from snapioc.model import (
    AFTER_RESTORE,
    DbrType,
    Member,
    NewRestore,
    NewSnapshot,
    Origin,
    Outcomes,
    PvSet,
    PvVerdict,
    Readings,
    ReadingsBuilder,
    Reason,
    Refused,
    RestoreEnd,
    RestoreRecord,
    SnapError,
    Snapshot,
    StoreError,
    Value,
)
from snapioc.operations import Console, Group, Plant, Result, SetSettings, Status, health, remember
from snapioc.operations.recovery import TRIES, Recovery

from .fakes import FakeChannels, FakePv, FakeStore, FakeView

RESTORED, PREVIOUS = PvVerdict.RESTORED, PvVerdict.PREVIOUS
SOMETHING_ELSE, UNREACHABLE = PvVerdict.SOMETHING_ELSE, PvVerdict.UNREACHABLE

OPERATOR = Origin("operator", "console-1")


@dataclass
class Damaged(FakeStore):
    """A store that does not give some of its snapshots, and fails to end restores while `end_fault` says why."""

    damaged: set[int] = field(default_factory=set)
    end_fault: str | None = None
    loads: int = 0
    gone: int = 0
    """How many probes find it gone after it was to load a snapshot."""

    async def load(self, snapshot_id: int) -> Snapshot:
        self.loads += 1
        if self.gone:
            raise StoreError("the store is gone")
        if snapshot_id in self.damaged:
            raise StoreError(f"snapshot {snapshot_id} is damaged in the store")
        return await super().load(snapshot_id)

    async def probe(self) -> None:
        if self.gone:
            self.gone -= 1
            raise StoreError("the store is gone")
        await super().probe()

    async def end_restore(self, restore_id: int, end: RestoreEnd, left: NewSnapshot | None = None) -> RestoreRecord:
        if self.end_fault:
            raise StoreError(self.end_fault)
        return await super().end_restore(restore_id, end, left)


@dataclass
class Blocked(FakeChannels):
    """A CA client whose thread is held up as often as `faults` says; notes for what it was asked."""

    faults: int = 0
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        self.asked.append(tuple(pvs))
        if self.faults:
            self.faults -= 1
            raise SnapError("the CA thread did not answer")


class Started:
    """An IOC of the sets A (A:0 to A:3) and B (B:0) that has just been started; the machine holds 0.0 everywhere."""

    def __init__(self) -> None:
        self.sets = {
            name: PvSet(name, tuple(Member(f"{name}:{i}", abs_tol=0.1) for i in range(size)))
            for name, size in {"A": 4, "B": 1}.items()
        }
        self.pvs = {pv: FakePv(0.0) for pv_set in self.sets.values() for pv in pv_set.pvs}
        self.channels = Blocked(self.pvs)
        self.store = Damaged()
        self.start()

    def start(self) -> None:
        settings = {name: SetSettings(pv_set) for name, pv_set in self.sets.items()}
        self.plant = Plant(self.channels, self.store, settings, recovered=False)
        self.console = Console(self.plant)
        self.groups: list[Group] = [self.console, *(Group(self.plant, known) for known in settings.values())]
        for group in self.groups:
            group.view = FakeView(lambda state=group.state: (state.status, state.result))  # type: ignore[misc]
        self.recovery = Recovery(self.plant, self.groups)

    def group(self, name: str) -> Group:
        return next(group for group in self.groups if group.name == name)

    def readings(self, name: str, *values: Value | Reason) -> Readings:
        builder = ReadingsBuilder(len(self.sets[name].pvs))
        for row, value in enumerate(values):
            if isinstance(value, Reason):
                builder.missing(row, value)
            else:
                builder.add(row, DbrType.DOUBLE, value)
        return builder.build()

    async def saved(self, name: str, *values: Value) -> int:
        return (await self.store.save(NewSnapshot(self.sets[name], self.readings(name, *values)))).id

    async def interrupted(
        self, name: str, wanted: Sequence[Value], before: Sequence[Value | Reason] | None, *, group: str = "", **more: Any
    ) -> RestoreRecord:
        """A restore that was killed after it kept these values before it."""
        new = NewRestore(await self.saved(name, *wanted), name, Origin("operator", "console-1", group), **more)
        kept = None if before is None else NewSnapshot(self.sets[name], self.readings(name, *before))
        return await self.store.begin_restore(new, self.sets[name], kept)

    async def recover(self) -> None:
        await remember(self.plant, self.groups)
        await self.recovery.go_on()

    def holds(self, name: str, *values: Value | Reason) -> None:
        for row, value in enumerate(values):
            pv = self.pvs[f"{name}:{row}"]
            pv.reason = value if isinstance(value, Reason) else Reason.OK
            pv.value = 0.0 if isinstance(value, Reason) else value

    def verdicts(self, record: RestoreRecord) -> dict[int, PvVerdict]:
        outcomes: Outcomes = self.store.outcomes[record.id][1]
        return {int(row): PvVerdict(code) for row, code in zip(outcomes.rows, outcomes.verdicts, strict=True)}

    def left(self, record: RestoreRecord) -> dict[int, Value | Reason | None]:
        """What the restore is recorded to have left, by row."""
        ended = self.store.restores[record.id]
        if ended.after_id is None:
            return {}
        snapshot = self.store.snapshots[ended.after_id]
        assert snapshot.header.kind == AFTER_RESTORE
        rows = [row for row in range(len(snapshot.readings)) if snapshot.readings.reason[row] != Reason.NOT_ASKED]
        return {
            row: snapshot.readings.value(row) if snapshot.readings.ok[row] else Reason(snapshot.readings.reason[row])
            for row in rows
        }


@pytest.fixture
def ioc() -> Started:
    return Started()


async def test_every_planned_pv_is_classed_and_recorded(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0])
    ioc.holds("A", 1.0, 2.0, 7.5, Reason.DISCONNECTED)
    await ioc.recover()
    assert ioc.verdicts(record) == {0: RESTORED, 1: PREVIOUS, 2: SOMETHING_ELSE, 3: UNREACHABLE}
    ended = ioc.store.restores[record.id]
    assert (ended.result, ended.written) == ("interrupted", 3)
    assert ioc.store.outcomes[record.id][1].texts == {
        2: "reads 7.5; the snapshot holds 1.0, before the restore it was 2.0",
        3: "disconnected",
    }
    assert ended.message == (
        "Restore of 1001 was interrupted after 2 of 4 PVs: 1 restored, 1 still holds what it held before,"
        " 1 holds something else, 1 could not be read; the values before it are in 1002: UNDO takes it back"
    )
    assert await ioc.store.undo_point("A") == ioc.plant.undo_points["A"] == ended
    assert ioc.left(record) == {1: Reason.NOT_WRITTEN, 2: 7.5, 3: Reason.DISCONNECTED}


async def test_only_what_was_to_be_written_is_read_and_classed(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0, 1.0, 1.0, 1.0], [Reason.NOT_ASKED, 2.0, Reason.NOT_ASKED, 2.0])
    ioc.holds("A", 5.0, 1.0, 6.0, 2.5)
    await ioc.recover()
    assert ioc.channels.asked == [("A:1", "A:3")]
    assert ioc.verdicts(record) == {1: RESTORED, 3: SOMETHING_ELSE}
    assert list(ioc.store.outcomes[record.id][1].texts) == [3]
    assert ioc.group("A").state.failures[0][0] == "A:3"
    assert ioc.left(record) == {3: 2.5}
    assert ioc.group("A").state.total == 2


async def test_what_is_equal_within_the_tolerance_is_restored_but_not_left_as_wanted(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0, 1.0], [2.0, 2.0])
    ioc.holds("A", 1.05, 2.05)
    await ioc.recover()
    assert ioc.verdicts(record) == {0: RESTORED, 1: PREVIOUS}
    assert ioc.left(record) == {0: 1.05, 1: 2.05}


async def test_all_restored_leaves_nothing_else_behind(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0, 1.0], [2.0, 1.0])
    ioc.holds("A", 1.0, 1.0)
    await ioc.recover()
    ended = ioc.store.restores[record.id]
    assert (ended.written, ended.after_id) == (1, None)
    assert ended.message.startswith("Restore of 1001 was interrupted after 1 of 2 PVs: 2 restored; the values before it")
    assert ioc.group("A").state.progress < 100.0


async def test_nothing_touched_leaves_the_older_way_back(ioc: Started) -> None:
    older = await ioc.interrupted("A", [5.0], [6.0])
    ended = await ioc.store.end_restore(older.id, RestoreEnd("success", "", 1))
    record = await ioc.interrupted("A", [1.0, 1.0], [2.0, 2.0])
    ioc.holds("A", 2.0, 2.0)
    await ioc.recover()
    assert (ioc.store.restores[record.id].written, await ioc.store.undo_point("A")) == (0, ended)
    assert ioc.store.restores[record.id].message.endswith(
        "after 0 of 2 PVs: 0 restored, 2 still hold what they held before; nothing was written"
    )


async def test_a_restore_that_never_came_to_write(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0], None)
    await ioc.recover()
    ended = ioc.store.restores[record.id]
    assert (ended.result, ended.written, ioc.channels.asked) == ("interrupted", 0, [])
    assert ended.message == "Restore of 1001 was interrupted before it wrote anything: nothing was written"
    assert ioc.group("A").state.result is Result.INTERRUPTED


async def test_an_interrupted_undo_says_so(ioc: Started) -> None:
    first = await ioc.interrupted("A", [1.0], [2.0])
    await ioc.store.end_restore(first.id, RestoreEnd("success", "", 1))
    await ioc.interrupted("A", [1.0], [2.0], undoes=first.id, group="A")
    ioc.holds("A", 1.0)
    await ioc.recover()
    assert ioc.group("A").state.message.startswith(
        f"Undo of restore {first.id} was interrupted after 1 of 1 PV: 1 restored; the"
    )
    assert ioc.group("A").state.restore_id == 0


async def test_it_is_shown_in_the_group_that_ran_it_and_in_the_sets_own(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0, 1.0], [2.0, 2.0])
    ioc.holds("A", 1.0, 3.0)
    await ioc.recover()
    for name in ("", "A"):
        state = ioc.group(name).state
        assert (state.result, state.total, state.done, state.failed) == (Result.INTERRUPTED, 2, 1, 1)
        assert state.failures == (("A:1", "reads 3.0; the snapshot holds 1.0, before the restore it was 2.0"),)
        assert (state.message, state.ops) == (ioc.store.restores[record.id].message, 0)
        assert state.show_all == f"snapioc restore-log {record.id}"
        view: FakeView = ioc.group(name).view  # type: ignore[assignment]
        assert view.seen[-1] == (Status.IDLE, Result.INTERRUPTED)
        assert (Status.STARTING, Result.INTERRUPTED) in view.seen
    assert [ioc.group(name).state.restore_id for name in ("", "A", "B")] == [1001, 0, 0]
    assert ioc.group("B").state.result is Result.NONE
    assert {group.state.status for group in ioc.groups} == {Status.IDLE}


async def test_the_console_shows_what_groups_that_are_no_more_have_left(ioc: Started) -> None:
    gone = PvSet("GONE", (Member("A:0"),))
    ioc.sets["GONE"] = gone
    await ioc.interrupted("GONE", [1.0], [2.0], group="GONE")
    await ioc.recover()
    assert [group.state.result is Result.INTERRUPTED for group in ioc.groups] == [True, False, False]


async def test_all_interrupted_restores_are_handled_the_oldest_first(ioc: Started) -> None:
    first = await ioc.interrupted("A", [1.0], [2.0], group="A")
    other = await ioc.interrupted("B", [5.0], [6.0], group="B")
    second = await ioc.interrupted("A", [3.0], [1.0], group="A")
    ioc.holds("A", 3.0)
    ioc.holds("B", 6.0)
    await ioc.recover()
    assert [ioc.verdicts(record)[0] for record in (first, other, second)] == [SOMETHING_ELSE, PREVIOUS, RESTORED]
    ends = [ioc.store.restores[record.id].ended_at for record in (first, other, second)]
    assert ends == sorted(filter(None, ends))
    assert ioc.group("A").state.message == ioc.store.restores[second.id].message
    assert await ioc.store.unfinished_restores() == []


async def test_a_kill_during_the_recovery_is_no_loss(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0], [2.0])
    ioc.holds("A", 1.0)
    ioc.channels.gate = asyncio.Event()
    recovery = asyncio.create_task(ioc.recover())
    for _ in range(10):
        await asyncio.sleep(0)
    recovery.cancel()
    await asyncio.gather(recovery, return_exceptions=True)
    assert await ioc.store.unfinished_restores() == [record]
    ioc.channels.gate = None
    ioc.start()
    await ioc.recover()
    assert ioc.verdicts(record) == {0: RESTORED}
    ioc.start()
    await ioc.recover()
    assert (ioc.plant.recovered, ioc.group("A").state.result) == (True, Result.NONE)


async def test_no_restore_is_accepted_before_it_is_known_but_saves_are(ioc: Started) -> None:
    snapshot_id = await ioc.saved("B", 1.0)
    await ioc.interrupted("A", [1.0], [2.0])
    await remember(ioc.plant, ioc.groups)
    assert {group.state.status for group in ioc.groups} == {Status.STARTING}
    with pytest.raises(Refused, match="is starting"):
        await ioc.group("B").restore(snapshot_id, OPERATOR)
    assert await ioc.group("B").trigger(OPERATOR)
    assert ioc.group("B").state.status is Status.STARTING
    await ioc.recovery.go_on()
    assert ioc.group("B").state.status is Status.IDLE


async def test_it_is_shown_when_a_save_that_runs_has_ended(ioc: Started) -> None:
    await ioc.interrupted("A", [1.0], None)
    await remember(ioc.plant, ioc.groups)
    ioc.channels.gate = asyncio.Event()
    save = asyncio.create_task(ioc.group("A").trigger(OPERATOR))
    recovery = asyncio.create_task(ioc.recovery.go_on())
    for _ in range(10):
        await asyncio.sleep(0)
    assert (ioc.group("A").state.status, recovery.done()) == (Status.SAVING, False)
    ioc.channels.gate.set()
    assert await save
    await recovery
    assert ioc.plant.recovered
    assert (ioc.group("A").state.status, ioc.group("A").state.result) == (Status.IDLE, Result.INTERRUPTED)


async def test_a_save_of_another_group_goes_on(ioc: Started) -> None:
    await ioc.interrupted("A", [1.0], None, group="A")
    await remember(ioc.plant, ioc.groups)
    ioc.channels.gate = asyncio.Event()
    save = asyncio.create_task(ioc.group("B").trigger(OPERATOR))
    await asyncio.sleep(0.01)
    await ioc.recovery.go_on()
    assert [ioc.group(name).state.status for name in ("", "A", "B")] == [Status.IDLE, Status.IDLE, Status.SAVING]
    ioc.channels.gate.set()
    assert await save
    assert ioc.group("B").state.status is Status.IDLE


async def test_nothing_is_recovered_before_the_store_has_answered(ioc: Started) -> None:
    await ioc.recovery.go_on()
    assert not ioc.plant.recovered


async def test_nothing_interrupted_is_known_at_once(ioc: Started) -> None:
    await remember(ioc.plant, ioc.groups)
    assert ioc.plant.recovered
    assert {(group.state.status, group.state.result) for group in ioc.groups} == {(Status.IDLE, Result.NONE)}


async def test_a_store_that_is_locked_at_the_start_leads_to_recovery_when_it_is_back(
    ioc: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PERIOD_WHEN_BAD", 0.001)
    record = await ioc.interrupted("A", [1.0], [2.0])
    ioc.store.fault = "the store is locked"
    watch = asyncio.create_task(health.watch_store(ioc.plant, ioc.groups))
    await _until(lambda: ioc.plant.store_fault is not None)
    assert ioc.group("A").state.status is Status.STARTING
    ioc.store.fault = None
    await _until(lambda: ioc.plant.recovered)
    watch.cancel()
    assert (ioc.store.restores[record.id].result, ioc.group("A").state.status) == ("interrupted", Status.IDLE)


async def test_a_store_that_goes_away_in_the_middle_is_waited_for(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0], [2.0])
    await remember(ioc.plant, ioc.groups)
    for _ in range(3 * TRIES):
        ioc.store.fault = "the store is locked"
        await ioc.recovery.go_on()
        assert (ioc.plant.recovered, ioc.plant.store_fault) == (False, "the store is locked")
        ioc.plant.store_fault = None
    ioc.store.fault = None
    await ioc.recovery.go_on()
    assert ioc.verdicts(record) == {0: SOMETHING_ELSE}


@pytest.mark.parametrize("probes", [1, 2])
async def test_a_store_that_goes_away_after_other_faults_is_no_damage(ioc: Started, probes: int) -> None:
    record = await ioc.interrupted("A", [1.0], [2.0])
    ioc.channels.faults = TRIES
    for _ in range(TRIES):
        await ioc.recover()
    assert ioc.channels.faults == 0
    ioc.store.gone = probes
    await ioc.recover()
    assert (ioc.plant.recovered, ioc.plant.store_fault) == (False, "the store is gone" if probes == 2 else None)
    ioc.plant.store_fault = None
    assert await ioc.store.unfinished_restores() == [record]
    await ioc.recover()
    assert ioc.verdicts(record) == {0: SOMETHING_ELSE}


async def _until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not check():
            await asyncio.sleep(0.001)


async def _to_the_end(ioc: Started) -> None:
    """Recover until restores are accepted, as the watch over the store does."""
    for _ in range(2 * TRIES):
        await ioc.recover()
    assert ioc.plant.recovered
    assert {group.state.status for group in ioc.groups} == {Status.IDLE}


async def test_a_damaged_way_back_ends_it_and_is_named(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0, 1.0, 1.0], [2.0, 2.0])
    ioc.store.damaged = {1002}
    await _to_the_end(ioc)
    ended = ioc.store.restores[record.id]
    # Nobody knows: all that the snapshot holds may have been written, and UNDO must not pass over it to an older restore.
    assert (ended.result, ended.written, ioc.verdicts(record)) == ("interrupted", 3, {})
    assert ended.message == (
        "Restore of 1001 was interrupted; what it has written is not known, and UNDO may not be able to take it back:"
        " snapshot 1002 is damaged in the store"
    )
    assert ioc.group("A").state.message == ended.message
    assert ioc.store.loads > TRIES, "a fault that may pass was not waited for"


async def test_a_damaged_restored_snapshot_leaves_the_previous_values_to_compare_with(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0, 1.0, 1.0], [2.0, 2.0, 2.0])
    ioc.store.damaged = {1001}
    ioc.holds("A", 1.0, 2.0, Reason.DISCONNECTED)
    await _to_the_end(ioc)
    assert ioc.verdicts(record) == {0: SOMETHING_ELSE, 1: PREVIOUS, 2: UNREACHABLE}
    ended = ioc.store.restores[record.id]
    assert ended.written == 2
    assert "; what they were to hold is not known: snapshot 1001 is damaged in the store; the values" in ended.message
    assert ioc.store.outcomes[record.id][1].texts[0] == "reads 1.0; before the restore it was 2.0"
    assert ioc.left(record) == {0: 1.0, 1: Reason.NOT_WRITTEN, 2: Reason.DISCONNECTED}


async def test_both_damaged(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0], [2.0])
    ioc.store.damaged = {1001, 1002}
    await _to_the_end(ioc)
    assert (ioc.store.restores[record.id].result, ioc.store.restores[record.id].written) == ("interrupted", 1)


async def test_a_restored_snapshot_of_another_version_of_the_set_is_not_compared_with(ioc: Started) -> None:
    other = PvSet("A", (Member("A:9"), *ioc.sets["A"].members))
    snapshot = await ioc.store.save(NewSnapshot(other, ReadingsBuilder(5).build()))
    kept = NewSnapshot(ioc.sets["A"], ioc.readings("A", 0.0))
    record = await ioc.store.begin_restore(NewRestore(snapshot.id, "A"), ioc.sets["A"], kept)
    await ioc.recover()
    assert ioc.verdicts(record) == {0: PREVIOUS}
    assert "1001 is of another version of the set" in ioc.store.restores[record.id].message


async def test_a_ca_thread_that_is_held_up_for_a_while_is_waited_for(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0], [2.0])
    ioc.holds("A", 1.0)
    ioc.channels.faults = TRIES
    await _to_the_end(ioc)
    assert ioc.verdicts(record) == {0: RESTORED}


async def test_a_ca_thread_that_never_answers_makes_all_unreachable(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0, 1.0], [2.0, 2.0])
    ioc.channels.faults = 1000
    await _to_the_end(ioc)
    assert ioc.verdicts(record) == {0: UNREACHABLE, 1: UNREACHABLE}
    assert ioc.store.restores[record.id].written == 2
    assert ioc.group("A").state.message.startswith("Restore of 1001 was interrupted after 0 of 2 PVs: 0 restored, 2 could")


async def test_a_record_that_cannot_be_closed_does_not_keep_the_ioc_in_starting(ioc: Started) -> None:
    record = await ioc.interrupted("A", [1.0], [2.0])
    ioc.store.end_fault = "the store is odd"
    await _to_the_end(ioc)
    assert "its record stays open: the store is odd" in ioc.group("A").state.message
    assert await ioc.store.unfinished_restores() == [record]
    ioc.store.end_fault = None
    ioc.start()
    await _to_the_end(ioc)
    assert await ioc.store.unfinished_restores() == []


async def test_a_defect_of_ours_closes_the_record_with_a_sentence(
    ioc: Started, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record = await ioc.interrupted("A", [1.0], [2.0])
    monkeypatch.setattr("snapioc.operations.recovery.classed", lambda *_: 1 / 0)
    await _to_the_end(ioc)
    ended = ioc.store.restores[record.id]
    assert (ended.result, ended.written) == ("interrupted", 1)
    assert "a defect of snapioc, see its log: ZeroDivisionError" in ended.message
    assert "Traceback" in caplog.text
