"""What the commands of a group do, on a machine and a store in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from snapioc.model import DbrType, Member, Origin, PvSet, Reason, Refused
from snapioc.operations import Group, Policy, Result, SetSettings, Status, remember

from .fakes import FakePv, FakeView
from .machine import OPERATOR, Machine


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


async def test_restore_and_save_that_share_a_pv_exclude_each_other(machine: Machine) -> None:
    await machine.a.trigger(OPERATOR)
    machine.channels.gate = asyncio.Event()
    restore = asyncio.create_task(machine.a.restore(1001, OPERATOR))
    while not machine.plant.locks.restoring:
        await asyncio.sleep(0)
    with pytest.raises(Refused, match="the restore of 1001 by A is running and shares 1 PV, A:3"):
        await machine.groups["B"].trigger(OPERATOR)
    machine.channels.gate.set()
    assert await restore
    machine.channels.gate.clear()
    save = asyncio.create_task(machine.groups["B"].trigger(OPERATOR))
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="the save by B is running"):
        await machine.a.restore(1001, OPERATOR)
    machine.channels.gate.set()
    assert await save


async def test_saves_of_shared_pvs_run_side_by_side(machine: Machine) -> None:
    machine.channels.gate = asyncio.Event()
    both = asyncio.gather(machine.a.trigger(OPERATOR), machine.groups["B"].trigger(OPERATOR))
    await asyncio.sleep(0)
    machine.channels.gate.set()
    assert list(await both) == [True, True]


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


@pytest.mark.parametrize(("share", "total"), [(0.55, 100), (0.07, 100), (0.55, 200)])
async def test_exactly_complete_enough_is_complete_enough(share: float, total: int) -> None:
    machine = Machine()
    names = [f"N:{i}" for i in range(total)]
    reachable = round(share * total)
    machine.pvs |= {name: FakePv(reason=Reason.OK if i < reachable else Reason.DISCONNECTED) for i, name in enumerate(names)}
    settings = SetSettings(PvSet("N", tuple(Member(pv) for pv in names)), min_complete=share)
    assert await machine._watched(Group(machine.plant, settings)).trigger(OPERATOR)


@pytest.mark.parametrize("other", ["X.VAL", "X.", "X.VAL$", "X$"])
async def test_the_same_field_by_another_name_is_locked_too(other: str) -> None:
    machine = Machine({"A": [Member("X")], "B": [Member(other)]})
    await machine.saved("A")
    await machine.saved("B")
    machine.channels.gate = asyncio.Event()
    restore = asyncio.create_task(machine.a.restore(1001, OPERATOR))
    while not machine.plant.locks.restoring:
        await asyncio.sleep(0)
    with pytest.raises(Refused, match="the restore of 1001 by A is running"):
        await machine.groups["B"].restore(1002, OPERATOR)
    machine.channels.gate.set()
    assert await restore


async def test_a_console_begins_each_set_with_its_own_defaults(machine: Machine) -> None:
    machine.plant.sets["B"] = replace(machine.plant.sets["B"], policy=Policy.BEST_EFFORT, verify=False, changed_only=False)
    inputs = machine.console.inputs
    machine.console.choose("B")
    assert (inputs.policy, inputs.verify, inputs.changed_only) == (Policy.BEST_EFFORT, False, False)
    inputs.verify = True
    machine.console.choose("B")
    assert (inputs.policy, inputs.verify) == (Policy.BEST_EFFORT, True)


async def test_a_console_takes_nothing_else_back_than_what_it_restored(machine: Machine) -> None:
    in_a, in_b = await machine.saved(), await machine.saved("B")
    machine.move(_1=5.0, _3=6.0)
    assert await machine.console.restore(in_b, OPERATOR)
    with pytest.raises(Refused, match="what was restored here last is B, but SET is A: put to SET what to take back"):
        await machine.console.undo(OPERATOR)
    machine.console.choose("B")
    assert await machine.console.undo(OPERATOR)
    assert machine.hold("A:1", "A:3") == [5.0, 6.0]
    machine.console.choose("A")
    assert await machine.console.restore(in_a, OPERATOR)
    assert await machine.console.undo(OPERATOR)


async def test_a_save_names_what_it_stored_with_invalid_severity(machine: Machine) -> None:
    machine.pvs["A:2"].severity = 3
    assert await machine.a.trigger(OPERATOR)
    assert (machine.a.state.failed, machine.a.state.failures) == (0, (("A:2", "stored, with INVALID severity"),))


async def test_a_preview_says_that_the_restore_would_be_refused(machine: Machine) -> None:
    saved = await machine.saved()
    machine.plant.restore_enabled = False
    assert not await machine.a.preview(saved, OPERATOR)
    assert machine.a.state.message.endswith("; but a restore would be refused now: restores are disabled (RESTORE_ENABLE)")
