"""What COMPARE_ID does, on a machine and a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from snapioc.model import BEFORE_RESTORE, DbrType, Member, NewSnapshot, PvSet, Readings, Reason, Refused
from snapioc.operations import Compared, Group, Result, SetSettings, Status

from .fakes import FakePv, FakeView
from .test_group import OPERATOR, Machine


@pytest.fixture
async def machine() -> Machine:
    """1001 is of the set A, 1002 of B."""
    machine = Machine()
    await machine.a.trigger(OPERATOR)
    await machine.groups["B"].trigger(OPERATOR)
    return machine


def counts(group: Group) -> tuple[int, int, int]:
    compared = group.state.compared
    return compared.equal, compared.different, compared.unknown


def watched(machine: Machine, name: str, *members: Member) -> Group:
    settings = SetSettings(PvSet(name, members))
    machine.plant.sets[name] = settings
    return machine._watched(Group(machine.plant, settings))


async def test_with_the_live_machine(machine: Machine) -> None:
    machine.pvs["A:2"].value = 1.5
    assert await machine.a.compare(1001)
    state = machine.a.state
    assert counts(machine.a) == (2, 1, 0)
    assert state.compared.lines == ("A:2\t1.0\t1.5\t+0.5",)
    assert state.message == "Compared 1001 with the live machine: 2 equal, 1 different, 0 unknown"
    assert (state.result, state.total, state.done, state.failed, state.failures) == (Result.SUCCESS, 3, 3, 0, ())
    assert (state.compare_id, state.restore_id, state.last_id, state.ops) == (1001, 0, 1001, 2)
    assert (state.status, state.progress) == (Status.IDLE, 100.0)
    assert state.compared.show_all == "snapioc diff 1001 live"
    assert (machine.channels.written, len(machine.store.snapshots)) == ([], 2)


async def test_with_another_snapshot(machine: Machine) -> None:
    machine.pvs["A:1"].value = -1.0
    await machine.a.trigger(OPERATOR)
    machine.a.inputs.compare_with = 1003
    machine.channels.gate = asyncio.Event()  # the machine is not asked
    assert await machine.a.compare(1001)
    assert machine.a.state.compared == Compared(2, 1, 0, ("A:1\t0.0\t-1.0\t-1",), "snapioc diff 1001 1003")
    assert machine.a.state.message.startswith("Compared 1001 with 1003: ")


async def test_what_is_missing_on_one_side_differs_and_makes_it_partial(machine: Machine) -> None:
    machine.pvs["A:2"].reason = Reason.DISCONNECTED
    assert await machine.a.compare(1001)
    state = machine.a.state
    assert counts(machine.a) == (2, 1, 0)
    assert state.compared.lines == ("A:2\t1.0\t[disconnected]\tmissing on one side",)
    assert (state.result, state.done, state.failed) == (Result.PARTIAL, 2, 1)
    assert state.failures == (("A:2", "disconnected (live)"),)
    assert state.message.endswith("2 equal, 1 different, 0 unknown; 1 missing: 1 disconnected (live)")


async def test_what_is_missing_on_both_sides_is_unknown(machine: Machine) -> None:
    machine.pvs["A:2"].reason = Reason.DISCONNECTED
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:2"].reason = Reason.NO_ANSWER
    assert await machine.a.compare(1003)
    assert counts(machine.a) == (2, 0, 1)
    assert machine.a.state.compared.lines == ()
    assert machine.a.state.failures == (("A:2", "disconnected (1003), no answer in time (live)"),)


async def test_nothing_that_is_on_both_sides_is_failed(machine: Machine) -> None:
    for pv in machine.pvs.values():
        pv.reason = Reason.NO_ANSWER
    assert not await machine.a.compare(1001)
    state = machine.a.state
    assert (state.result, state.done, state.failed) == (Result.FAILED, 0, 3)
    assert "none of 3 PVs is there on both sides; 3 missing: 3 no answer in time (live)" in state.message
    assert counts(machine.a) == (0, 3, 0)


async def test_two_sets_without_a_common_pv_are_failed(machine: Machine) -> None:
    other = watched(machine, "C", Member("B:1"))
    await other.trigger(OPERATOR)
    machine.console.inputs.compare_with = 1003
    assert not await machine.console.compare(1001)
    assert machine.console.state.message == "Compare of 1001 with 1003 failed: no PV is part of both 1001 and 1003"


async def test_the_console_matches_two_sets_by_name(machine: Machine) -> None:
    machine.console.inputs.compare_with = 1002
    assert await machine.console.compare(1001)
    assert counts(machine.console) == (1, 3, 0)  # A:3, which both have
    assert machine.console.state.result is Result.PARTIAL
    assert dict(machine.console.state.failures)["B:1"] == "not part of this snapshot (1001)"


async def test_setpoint_and_readback_have_their_own_verdicts_and_the_tolerances_of_the_member(machine: Machine) -> None:
    machine.pvs |= {"SP": FakePv(10.0), "RB": FakePv(10.2), "OWN": FakePv(1.0)}
    group = watched(machine, "M", Member("SP", readback="RB", abs_tol=0.5), Member("A:1", readback="OWN"))
    await group.trigger(OPERATOR)
    machine.pvs["SP"].value, machine.pvs["RB"].value, machine.pvs["OWN"].value = 10.4, 11.0, 1.0
    assert await group.compare(1003)
    assert counts(group) == (3, 1, 0)
    assert group.state.compared.lines == ("RB\t10.2\t11.0\t+0.8",)


async def test_the_tolerances_are_those_when_the_first_was_taken(machine: Machine) -> None:
    wide = watched(machine, "T", Member("A:1", abs_tol=1.0))
    await wide.trigger(OPERATOR)
    machine.pvs["A:1"].value = 0.5
    narrow = watched(machine, "T", Member("A:1"))
    await narrow.trigger(OPERATOR)
    assert await narrow.compare(1003)
    assert counts(narrow) == (1, 0, 0)
    narrow.inputs.compare_with = 1003
    assert await narrow.compare(1004)
    assert counts(narrow) == (0, 1, 0)


async def test_a_snapshot_before_a_restore_is_compared_in_what_it_holds(machine: Machine) -> None:
    readings = (await machine.channels.read(["A:2"], 1.0)).spread([1], 3)
    await machine.store.save(NewSnapshot(machine.a.settings.pv_set, readings, kind=BEFORE_RESTORE, restores=1001))
    machine.pvs["A:1"].reason = Reason.DISCONNECTED
    assert await machine.a.compare(1003)
    assert (counts(machine.a), machine.a.state.total, machine.a.state.result) == ((1, 0, 0), 1, Result.SUCCESS)


@pytest.mark.parametrize("number", [-1, 1, 4711])
async def test_unknown_ids_are_refused_and_touch_nothing(machine: Machine, number: int) -> None:
    await machine.a.compare(1001)
    before = (machine.a.state.compared, machine.a.state.ops, machine.a.state.compare_id)
    with pytest.raises(Refused, match=f"no snapshot {number}"):
        await machine.a.compare(number)
    machine.a.inputs.compare_with = number
    with pytest.raises(Refused, match=f"no snapshot {number}"):
        await machine.a.compare(1001)
    assert (machine.a.state.compared, machine.a.state.ops, machine.a.state.compare_id) == before
    assert not machine.a.busy


async def test_zero_does_nothing(machine: Machine) -> None:
    assert await machine.a.compare(0)
    assert machine.a.state.ops == 1


@pytest.mark.parametrize(("number", "other"), [(1002, 0), (1001, 1002)])
async def test_a_group_refuses_snapshots_of_other_sets(machine: Machine, number: int, other: int) -> None:
    machine.a.inputs.compare_with = other
    with pytest.raises(Refused, match="1002 is of the set B"):
        await machine.a.compare(number)


async def test_a_store_that_fails_is_a_failed_compare(machine: Machine) -> None:
    machine.pvs["A:2"].value = 7.0
    await machine.a.compare(1001)
    machine.store.fault = "the store is locked"
    assert not await machine.a.compare(1001)
    assert machine.a.state.message == "Compare of 1001 failed: the store is locked"
    assert (machine.a.state.result, machine.a.state.compared) == (Result.FAILED, Compared())
    assert machine.plant.store_fault == "the store is locked"


async def test_abort_forgets_what_was_found_before(machine: Machine) -> None:
    machine.pvs["A:2"].value = 7.0
    await machine.a.compare(1001)
    machine.channels.gate = asyncio.Event()
    compare = asyncio.create_task(machine.a.compare(1001))
    while machine.a.state.status is not Status.COMPARING:
        await asyncio.sleep(0)
    await machine.a.abort()
    assert not await compare
    assert (machine.a.state.result, machine.a.state.compared) == (Result.ABORTED, Compared())
    assert machine.a.state.progress < 100


async def test_it_locks_as_a_save_does(machine: Machine) -> None:
    machine.channels.gate = asyncio.Event()
    compare = asyncio.create_task(machine.a.compare(1001))
    while machine.a.state.status is not Status.COMPARING:
        await asyncio.sleep(0)
    save = asyncio.create_task(machine.console.trigger(OPERATOR))  # reads what the compare reads
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="A is busy .Comparing"):
        await machine.a.trigger(OPERATOR)
    with pytest.raises(Refused, match="the compare of 1001 by A is running and shares 1 PV, A:3"):
        await machine.groups["B"].restore(1002, OPERATOR)
    machine.channels.gate.set()
    assert await compare
    assert await save


async def test_only_a_compare_with_the_machine_is_refused_during_a_restore(machine: Machine) -> None:
    machine.channels.gate = asyncio.Event()
    restore = asyncio.create_task(machine.a.restore(1001, OPERATOR))
    while not machine.plant.locks.restoring:
        await asyncio.sleep(0)
    with pytest.raises(Refused, match="the restore of 1001 by A is running"):
        await machine.groups["B"].compare(1002)
    machine.groups["B"].inputs.compare_with = 1002
    assert await machine.groups["B"].compare(1002)
    machine.channels.gate.set()
    assert await restore


async def test_a_save_leaves_what_was_found(machine: Machine) -> None:
    machine.pvs["A:2"].value = 7.0
    await machine.a.compare(1001)
    await machine.a.trigger(OPERATOR)
    assert counts(machine.a) == (2, 1, 0)


async def test_invalid_on_either_side_is_counted(machine: Machine) -> None:
    machine.pvs["A:1"].severity = 3
    await machine.a.trigger(OPERATOR)
    machine.pvs["A:1"].severity, machine.pvs["A:2"].severity = 0, 3
    assert await machine.a.compare(1003)
    assert (machine.a.state.invalid, machine.a.state.result) == (2, Result.SUCCESS)


async def test_a_long_text_leaves_room_for_others(machine: Machine) -> None:
    machine.pvs["A:1"].dbr_type, machine.pvs["A:1"].value = DbrType.STRING, b"x" * 20_000
    assert await machine.a.compare(1001)
    (line,) = machine.a.state.compared.lines
    assert line == f'A:1\t0.0\t"{"x" * 199}...\tDOUBLE -> STRING'


async def test_only_what_no_set_has_any_more_is_waited_for(machine: Machine) -> None:
    machine.pvs["OLD"] = FakePv(1.0)
    await watched(machine, "W", Member("OLD"), Member("A:1")).trigger(OPERATOR)
    await watched(machine, "V", Member("B:1"), Member("A:1")).trigger(OPERATOR)
    waited: list[Sequence[str]] = []

    async def connect(pvs: Sequence[str], timeout: float) -> None:
        waited.append(pvs)

    machine.channels.connect = connect  # type: ignore[method-assign]
    assert await machine.console.compare(1003)
    del machine.plant.sets["W"], machine.plant.sets["V"]
    assert await machine.console.compare(1003)
    assert await machine.console.compare(1004)
    assert waited == [["OLD"]]


async def test_the_labels_of_states_are_asked_for_before_their_values(machine: Machine) -> None:
    machine.pvs["A:2"].dbr_type, machine.pvs["A:2"].value = DbrType.ENUM, 1
    await machine.a.trigger(OPERATOR)
    asked: list[Sequence[str]] = []
    read = machine.channels.read

    async def refresh(pvs: Sequence[str], timeout: float) -> None:
        asked.append(pvs)

    async def note(pvs: Sequence[str], *more: Any) -> Readings:
        asked.append(pvs)
        return await read(pvs, *more)

    machine.channels.refresh = refresh  # type: ignore[attr-defined]
    machine.channels.read = note  # type: ignore[method-assign]
    assert await machine.a.compare(1001)
    assert await machine.a.compare(1003)
    assert asked == [("A:1", "A:2", "A:3"), ["A:2"], ("A:1", "A:2", "A:3")]


async def test_progress_never_falls(machine: Machine) -> None:
    assert isinstance(machine.a.view, FakeView)
    machine.a.view.seen.clear()
    await machine.a.compare(1001)
    progress = [seen[1] for seen in machine.a.view.seen]
    assert progress == sorted(progress)  # type: ignore[type-var]
    assert progress[-1] == 100.0
