"""What the commands of a group do, on a machine and a store in memory."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import pytest

from snapioc.model import BEFORE_RESTORE, DbrType, Flag, Member, Mode, Origin, Outcome, PvSet, Reason, Refused, SnapError
from snapioc.operations import Console, Group, Plant, Policy, Result, SetSettings, Status, remember

from .fakes import FakeChannels, FakePv, FakeStore, FakeView

G = TypeVar("G", bound=Group)

OPERATOR = Origin("operator", "console-1")


class Machine:
    """A plant with the sets A (A:1, A:2, A:3) and B (B:1, and A:3 which it shares)."""

    def __init__(self, **settings: object) -> None:
        self.pvs = {name: FakePv(float(i)) for i, name in enumerate(["A:1", "A:2", "A:3", "B:1"])}
        self.channels = FakeChannels(self.pvs)
        self.store = FakeStore()
        members = {"A": ["A:1", "A:2", "A:3"], "B": ["B:1", "A:3"]}
        sets = {
            name: SetSettings(PvSet(name, tuple(Member(pv) for pv in pvs)), **settings)  # type: ignore[arg-type]
            for name, pvs in members.items()
        }
        self.plant = Plant(self.channels, self.store, sets)
        self.groups = {name: self._watched(Group(self.plant, settings)) for name, settings in sets.items()}
        self.console = self._watched(Console(self.plant))

    def _watched(self, group: G) -> G:
        state = group.state
        group.view = FakeView(lambda: (state.status, state.progress, state.result, state.refused))
        state.status = Status.IDLE
        return group

    @property
    def a(self) -> Group:
        return self.groups["A"]


@pytest.fixture
def machine() -> Machine:
    return Machine()


async def test_save_is_committed_and_counted(machine: Machine) -> None:
    assert await machine.a.trigger(OPERATOR)
    state = machine.a.state
    assert (state.result, state.ops, state.last_id, state.total, state.done) == (Result.SUCCESS, 1, 1001, 3, 3)
    assert (state.status, state.progress, state.skew) == (Status.IDLE, 100.0, 500.0)
    assert machine.store.snapshots[1001].header.origin == OPERATOR


async def test_missing_pv_makes_it_partial_and_is_named(machine: Machine) -> None:
    machine.pvs["A:2"].reason = Reason.NO_ANSWER
    assert await machine.a.trigger(OPERATOR)
    assert machine.a.state.result is Result.PARTIAL
    assert machine.a.state.failures == (("A:2", "no answer in time"),)


async def test_invalid_severity_makes_it_partial(machine: Machine) -> None:
    machine.pvs["A:2"].severity = 3
    assert await machine.a.trigger(OPERATOR)
    assert (machine.a.state.result, machine.a.state.invalid) == (Result.PARTIAL, 1)


async def test_nothing_read_is_failed_and_stores_nothing(machine: Machine) -> None:
    for pv in machine.pvs.values():
        pv.reason = Reason.DISCONNECTED
    assert not await machine.a.trigger(OPERATOR)
    assert machine.a.state.result is Result.FAILED
    assert not machine.store.snapshots


async def test_less_than_min_complete_is_stored_but_fails() -> None:
    machine = Machine(min_complete=0.9)
    machine.pvs["A:2"].reason = Reason.NO_ANSWER
    assert not await machine.a.trigger(OPERATOR)
    assert (machine.a.state.result, machine.a.state.last_id) == (Result.FAILED, 1001)
    assert "min_complete" in machine.a.state.message


async def test_missing_required_member_is_stored_but_fails() -> None:
    machine = Machine()
    machine.pvs["A:2"].reason = Reason.NO_ANSWER
    pv_set = PvSet("R", (Member("A:1"), Member("A:2", required=True)))
    group = machine._watched(Group(machine.plant, SetSettings(pv_set)))
    assert not await group.trigger(OPERATOR)
    assert (group.state.result, list(machine.store.snapshots)) == (Result.FAILED, [1001])
    assert "A:2" in group.state.message


async def test_store_that_fails_is_a_failed_save_with_its_words(machine: Machine) -> None:
    machine.store.fault = "the store is locked"
    assert not await machine.a.trigger(OPERATOR)
    assert "the store is locked" in machine.a.state.message
    assert machine.plant.store_fault == "the store is locked"
    machine.store.fault = None
    assert await machine.a.trigger(OPERATOR)
    assert machine.plant.store_fault is None


async def test_second_trigger_is_refused_and_touches_nothing_else(machine: Machine) -> None:
    machine.channels.gate = asyncio.Event()
    first = asyncio.create_task(machine.a.trigger(OPERATOR))
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="A is busy"):
        await machine.a.trigger(OPERATOR)
    assert (machine.a.state.ops, machine.a.state.result) == (0, Result.NONE)
    machine.channels.gate.set()
    assert await first
    assert machine.a.state.ops == 1


async def test_client_that_goes_away_does_not_stop_the_save(machine: Machine) -> None:
    machine.channels.gate = asyncio.Event()
    client = asyncio.create_task(machine.a.trigger(OPERATOR))
    await asyncio.sleep(0)
    client.cancel()
    machine.channels.gate.set()
    while machine.a.busy:
        await asyncio.sleep(0)
    assert machine.a.state.last_id == 1001


async def test_title_is_taken_once_and_kept_if_changed_meanwhile(machine: Machine) -> None:
    machine.a.inputs.set_text("title", "golden")
    machine.a.inputs.set_text("comment", "after tuning")
    machine.a.inputs.set_text("tags", "md, golden ,md,")
    machine.channels.gate = asyncio.Event()
    save = asyncio.create_task(machine.a.trigger(OPERATOR))
    await asyncio.sleep(0)
    machine.a.inputs.set_text("title", "golden")
    machine.channels.gate.set()
    await save
    header = machine.store.snapshots[1001].header
    assert (header.title, header.comment, header.tags) == ("golden", "after tuning", ("md", "golden"))
    assert (machine.a.inputs.title, machine.a.inputs.comment) == ("golden", "")


async def test_abort_of_a_save_stores_nothing(machine: Machine) -> None:
    machine.channels.gate = asyncio.Event()
    save = asyncio.create_task(machine.a.trigger(OPERATOR))
    await asyncio.sleep(0.01)
    await machine.a.abort()
    assert not await save
    assert (machine.a.state.result, machine.store.snapshots) == (Result.ABORTED, {})
    assert machine.a.state.progress < 100
    await machine.a.abort()
    assert machine.a.state.ops == 1


async def test_abort_that_comes_while_a_restore_is_looked_at_writes_nothing(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    restore = asyncio.create_task(machine.a.restore(1001, OPERATOR))
    await asyncio.sleep(0)
    await machine.a.abort()
    assert not await restore
    assert (machine.a.state.result, machine.channels.written) == (Result.ABORTED, [])


async def test_restore_writes_back_and_keeps_the_way_back(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:1"].value = 99.0
    assert await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert machine.pvs["A:1"].value == 0.0
    assert (state.result, state.total, state.done, state.failed, state.unchanged) == (Result.SUCCESS, 3, 3, 0, 2)
    kept = machine.store.snapshots[1002]
    assert (kept.header.kind, kept.header.restores, kept.readings.value(0)) == (BEFORE_RESTORE, 1001, 99.0)
    assert state.last_id == 1001
    assert await machine.a.restore(1002, OPERATOR)
    assert machine.pvs["A:1"].value == 99.0


async def test_filtered_restore_touches_and_keeps_only_what_it_chose(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.a.inputs.set_text("filter", "A:*, !A:3")
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == ["A:1", "A:2"]
    assert [bool(ok) for ok in machine.store.snapshots[1002].readings.ok] == [True, True, False]
    assert "2 of 3 (filter A:*, !A:3)" in machine.a.state.message
    assert machine.a.inputs.filter == ""


@pytest.mark.parametrize("number", [-1, 1, 4711])
async def test_unknown_id_is_refused(machine: Machine, number: int) -> None:
    with pytest.raises(Refused, match=f"no snapshot {number}"):
        await machine.a.restore(number, OPERATOR)
    assert (machine.a.state.ops, machine.a.state.result, machine.a.busy) == (0, Result.NONE, False)


async def test_zero_does_nothing(machine: Machine) -> None:
    assert await machine.a.restore(0, OPERATOR)
    assert machine.a.state.ops == 0


async def test_own_group_refuses_other_sets_and_the_console_takes_them(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    with pytest.raises(Refused, match="of the set A"):
        await machine.groups["B"].restore(1001, OPERATOR)
    machine.console.choose("B")
    assert await machine.console.restore(1001, OPERATOR)


async def test_filter_that_matches_nothing_is_refused_and_kept(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.a.inputs.set_text("filter", "Z:*")
    with pytest.raises(Refused, match="matches no PV"):
        await machine.a.restore(1001, OPERATOR)
    assert machine.a.inputs.filter == "Z:*"


async def test_strict_writes_nothing_if_one_pv_fails_the_check(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:2"].writable = False
    machine.a.inputs.set_text("filter", "A:*")
    assert not await machine.a.restore(1001, OPERATOR)
    assert (machine.a.state.result, machine.channels.written, len(machine.store.snapshots)) == (Result.FAILED, [], 1)
    assert machine.a.state.failures == (("A:2", "no write access"),)
    assert machine.a.inputs.filter == "A:*"


async def test_best_effort_leaves_out_what_fails_and_is_partial(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:2"].writable = False
    machine.pvs["A:3"].flags = Flag.CUT
    machine.a.inputs.policy = Policy.BEST_EFFORT
    assert not await machine.a.restore(1001, OPERATOR)
    assert (machine.a.state.result, machine.channels.written) == (Result.PARTIAL, ["A:1"])
    assert [pv for pv, _ in machine.a.state.failures] == ["A:2", "A:3"]


async def test_value_that_does_not_arrive_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.operations.restore.SETTLE", (0.0,))
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:2"].value, machine.pvs["A:2"].stuck = 7.0, True
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.result is Result.PARTIAL
    assert machine.a.state.failures == (("A:2", "reads 7.0 instead of 1.0"),)


async def test_strict_stops_before_the_next_batch(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.operations.restore.BATCH", 1)
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:2"].outcome = Outcome.REFUSED
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == ["A:1", "A:2"]
    assert machine.a.state.failures == (
        ("A:2", "the server refused the write"),
        ("A:3", "not written: stopped after a failed write"),
    )


async def test_pending_write_is_proved_by_the_read_back_only(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:2"].outcome = Outcome.PENDING
    assert await machine.a.restore(1001, OPERATOR)
    machine.a.inputs.verify = False
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.failures == (("A:2", "not done in time"),)


async def test_what_the_rules_leave_out_is_named_and_no_failure(machine: Machine) -> None:
    machine.pvs["A:1"].severity = 3
    machine.pvs["A:2"].reason = Reason.NEVER_CONNECTED
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:2"].reason = Reason.OK
    assert await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert (state.result, state.skipped, state.failed, machine.channels.written) == (Result.SUCCESS, 2, 0, ["A:3"])
    assert dict(state.failures) == {
        "A:1": "left out: stored with INVALID severity",
        "A:2": "left out: missing in the snapshot: never connected",
    }


async def test_read_only_members_are_never_written(machine: Machine) -> None:
    pv_set = PvSet("RO", (Member("A:1", mode=Mode.READ_ONLY), Member("A:2")))
    machine.plant.sets["RO"] = SetSettings(pv_set)
    group = machine._watched(Group(machine.plant, SetSettings(pv_set)))
    await group.trigger(OPERATOR)
    assert await group.restore(1001, OPERATOR)
    assert machine.channels.written == ["A:2"]


async def test_restore_that_has_nothing_to_write_is_failed(machine: Machine) -> None:
    machine.pvs["A:1"].reason = Reason.DISCONNECTED
    await machine.a.trigger(OPERATOR)
    machine.a.inputs.set_text("filter", "A:1")
    assert not await machine.a.restore(1001, OPERATOR)
    assert "nothing to write" in machine.a.state.message


async def test_present_values_are_committed_before_the_first_write(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    stored_at_write: list[int] = []
    machine.channels.on_write = lambda: stored_at_write.append(len(machine.store.snapshots))
    await machine.a.restore(1001, OPERATOR)
    assert stored_at_write == [2]


async def test_nothing_is_written_if_the_present_values_cannot_be_stored(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)

    async def full(snapshot: object) -> None:
        from snapioc.model import StoreError

        raise StoreError("the store is full")

    machine.store.save = full  # type: ignore[method-assign, assignment]
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == []
    assert "the store is full" in machine.a.state.message


async def test_restore_and_save_that_share_a_pv_exclude_each_other(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.channels.gate = asyncio.Event()
    restore = asyncio.create_task(machine.a.restore(1001, OPERATOR))
    while not machine.plant.locks.restoring:
        await asyncio.sleep(0)
    with pytest.raises(Refused, match="the restore of 1001 by A is running and shares 1 PVs, A:3"):
        await machine.groups["B"].trigger(OPERATOR)
    machine.channels.gate.set()
    assert await restore
    machine.channels.gate.clear()
    save = asyncio.create_task(machine.groups["B"].trigger(OPERATOR))
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="the save of B"):
        await machine.a.restore(1001, OPERATOR)
    machine.channels.gate.set()
    assert await save


async def test_saves_of_shared_pvs_run_side_by_side(machine: Machine) -> None:
    machine.channels.gate = asyncio.Event()
    both = asyncio.gather(machine.a.trigger(OPERATOR), machine.groups["B"].trigger(OPERATOR))
    await asyncio.sleep(0)
    machine.channels.gate.set()
    assert await both == [True, True]


@pytest.mark.parametrize(("value", "allowed"), [(1.0, True), (0.0, False), (float("nan"), False), (-1.0, True)])
async def test_permit_pv_decides(machine: Machine, value: float, allowed: bool) -> None:
    await machine.a.trigger(OPERATOR)
    machine.plant.permit_pv = "PERMIT"
    machine.pvs["PERMIT"] = FakePv(value)
    if allowed:
        assert await machine.a.restore(1001, OPERATOR)
        return
    with pytest.raises(Refused, match="PERMIT reads"):
        await machine.a.restore(1001, OPERATOR)


async def test_permit_pv_that_is_dead_or_a_text_refuses(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.plant.permit_pv = "PERMIT"
    for pv in (FakePv(reason=Reason.DISCONNECTED), FakePv(b"1", DbrType.STRING)):
        machine.pvs["PERMIT"] = pv
        with pytest.raises(Refused, match="PERMIT"):
            await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == []


async def test_disabled_restores_are_refused(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.plant.restore_enabled = False
    with pytest.raises(Refused, match="RESTORE_ENABLE"):
        await machine.a.restore(1001, OPERATOR)


async def test_defect_of_ours_is_a_failed_operation_and_the_group_lives_on(machine: Machine) -> None:
    async def broken(*args: object) -> None:
        raise ZeroDivisionError

    read, machine.channels.read = machine.channels.read, broken  # type: ignore[method-assign, assignment]
    assert not await machine.a.trigger(OPERATOR)
    assert "ZeroDivisionError" in machine.a.state.message
    machine.channels.read = read  # type: ignore[method-assign]
    assert await machine.a.trigger(OPERATOR)


async def test_progress_never_falls(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    assert isinstance(machine.a.view, FakeView)
    machine.a.view.seen.clear()
    await machine.a.restore(1001, OPERATOR)
    progress = [seen[1] for seen in machine.a.view.seen]
    assert progress == sorted(progress)  # type: ignore[type-var]
    assert progress[-1] == 100.0


async def test_group_remembers_its_last_snapshot_over_a_restart(machine: Machine) -> None:
    await machine.a.trigger(Origin(group="A"))
    await machine.groups["B"].trigger(Origin(group="B"))
    again = machine._watched(Group(machine.plant, machine.a.settings))
    machine.store.fault = "the store is locked"
    await remember(machine.plant, [again])
    assert (again.state.last_id, again.state.status) == (0, Status.IDLE)
    machine.store.fault = machine.plant.store_fault = None
    await remember(machine.plant, [again])
    assert (again.state.last_id, machine.plant.newest.id if machine.plant.newest else 0) == (1001, 1002)


async def test_a_blocked_ca_client_leaves_the_account_of_what_was_written(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)

    async def blocked(*args: object) -> None:
        raise SnapError("the CA client has not answered")

    machine.channels.write = blocked  # type: ignore[method-assign, assignment]
    assert not await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert state.message.startswith("Restore of 1001 failed: the CA client has not answered")
    assert state.message.endswith("the values before it are in 1002")
    assert [pv for pv, _ in state.failures] == ["A:1", "A:2", "A:3"]


async def test_a_message_always_says_what_the_filter_chose(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:1"].writable = False
    machine.a.inputs.set_text("filter", "A:1")
    assert not await machine.a.restore(1001, OPERATOR)
    assert "chosen 1 of 3 (filter A:1)" in machine.a.state.message


async def test_the_same_field_by_another_name_is_locked_too(machine: Machine) -> None:
    with (
        machine.plant.locks.hold("one", ["X"], writes=True),
        pytest.raises(Refused, match="one is running"),
        machine.plant.locks.hold("other", ["X.VAL"], writes=True),
    ):
        pass


@pytest.mark.parametrize(("share", "total"), [(0.55, 100), (0.07, 100), (0.55, 200)])
async def test_exactly_complete_enough_is_complete_enough(share: float, total: int) -> None:
    machine = Machine()
    names = [f"N:{i}" for i in range(total)]
    reachable = round(share * total)
    machine.pvs |= {name: FakePv(reason=Reason.OK if i < reachable else Reason.DISCONNECTED) for i, name in enumerate(names)}
    settings = SetSettings(PvSet("N", tuple(Member(pv) for pv in names)), min_complete=share)
    assert await machine._watched(Group(machine.plant, settings)).trigger(OPERATOR)
