"""Restores that are broken off: what was written stays known, and can be taken back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from snapioc.model import Member, Outcome, PvVerdict, Reason, Refused, SnapError, StoreError
from snapioc.operations import Policy, Result

from .machine import BEFORE, OPERATOR, STORED, A, Machine, counts, moved

BLOCKED = "the CA client has not answered"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks at what was written, with no pause."""
    monkeypatch.setattr("snapioc.operations.proof.PAUSES", (0.0, 0.0))
    monkeypatch.setattr("snapioc.operations.proof.LOOK", 0.0)


async def machine_of(*, wait: bool = False, policy: Policy = Policy.STRICT) -> Machine:
    """A moved machine that writes one PV per batch; A:2 has a readback."""
    members = [Member("A:1", wait=wait), Member("A:2", wait=wait, readback="A:RB", abs_tol=0.1), Member("A:3", wait=wait)]
    return await moved(*members, batch=1, policy=policy)


def blocked() -> None:
    raise SnapError(BLOCKED)


def defect() -> None:
    raise ZeroDivisionError("a bug")


BEFORE_WRITING = [
    ("connect", 1),
    ("refresh", 1),
    ("connect DISP", 1),
    ("disconnected DISP", 1),
    ("read", 1),
]
WRITING = [("write", 1, 0), ("write", 2, 1), ("write", 3, 2)]
PROVING = [("read", 2), ("read", 3), ("refresh", 2), ("read", 4)]
"""The first and the second read-back, the look at the limits of what is wrong, the readback."""


async def everything_comes_back(machine: Machine) -> None:
    """UNDO takes back what was written; where nothing was, there is nothing to undo."""
    machine.channels.hook = machine.store.hook = lambda call: None
    for pv in machine.pvs.values():
        pv.stuck, pv.busy = False, 0.0
    if machine.record().written:
        assert await machine.a.undo(OPERATOR)
    else:
        with pytest.raises(Refused, match="no restore of A that could be undone"):
            await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == BEFORE


def verdicts_are_true(machine: Machine) -> None:
    """What is RESTORED holds its value, what is NOT_WRITTEN its old one, and the record is closed."""
    assert machine.record().ended_at is not None
    for pv, stored, before in zip(A, STORED, BEFORE, strict=True):
        verdict, value = machine.verdicts()[pv], machine.pvs[pv].value
        assert (verdict is PvVerdict.RESTORED) == (value == stored), pv
        assert verdict is not PvVerdict.NOT_WRITTEN or value == before, pv


@pytest.mark.parametrize(("call", "number"), BEFORE_WRITING)
async def test_an_abort_before_the_writes_writes_nothing(call: str, number: int) -> None:
    machine = await machine_of()
    machine.a.inputs.set_text("filter", "A:*")
    machine.at(call, number, machine.abort)
    assert not await machine.a.restore(1001, OPERATOR)
    assert (machine.a.state.result, machine.channels.written, len(machine.store.snapshots)) == (Result.ABORTED, [], 1)
    assert machine.a.state.message == "Restore of 1001 aborted: 0 PVs written, chosen 3 of 3 (filter A:*)"
    assert (machine.record().result, machine.record().undo_id, machine.a.inputs.filter) == ("aborted", None, "A:*")
    assert machine.a.state.progress < 100
    verdicts_are_true(machine)
    await everything_comes_back(machine)


async def test_an_abort_while_the_present_values_are_kept_writes_nothing() -> None:
    machine = await machine_of()
    machine.at("begin_restore", 1, machine.abort)
    assert not await machine.a.restore(1001, OPERATOR)
    assert (machine.a.state.result, machine.channels.written) == (Result.ABORTED, [])
    assert (machine.record().undo_id, machine.record().written) == (1002, 0)
    await everything_comes_back(machine)


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize(("call", "number", "done"), WRITING)
async def test_an_abort_stops_before_the_next_batch(call: str, number: int, done: int, policy: Policy) -> None:
    machine = await machine_of(policy=policy)
    machine.at(call, number, machine.abort)
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.hold(*A) == [*STORED[: done + 1], *BEFORE[done + 1 :]]
    written = "1 PV" if done == 0 else f"{done + 1} PVs"
    assert machine.a.state.message == f"Restore of 1001 aborted: {written} written; the values before it are in 1002"
    assert (machine.a.state.result, machine.record().written) == (Result.ABORTED, done + 1)
    assert counts(machine.a) == {"total": 3, "done": done + 1}
    verdicts_are_true(machine)
    await everything_comes_back(machine)


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize(("call", "number"), PROVING)
async def test_an_abort_of_the_proof_leaves_what_is_known(call: str, number: int, wrong: bool) -> None:
    machine = await machine_of()
    machine.pvs["A:3"].stuck = wrong
    machine.at(call, number, machine.abort)
    ended_well = await machine.a.restore(1001, OPERATOR)
    assert ended_well == (not wrong and (call, number) in [("refresh", 2), ("read", 4)])  # which it does not come to
    assert machine.a.state.result is (Result.SUCCESS if ended_well else Result.ABORTED)
    verdicts_are_true(machine)
    assert [pv for pv, _ in machine.a.state.failures] == (["A:3"] if wrong else [])
    await everything_comes_back(machine)


async def test_a_value_that_came_after_an_abort_of_the_proof_was_not_moved_by_anybody() -> None:
    machine = await machine_of()
    machine.pvs["A:3"].stuck = True

    def arrive_and_abort() -> None:
        machine.move(_3=2.0)
        machine.abort()

    machine.at("read", 3, arrive_and_abort)
    assert not await machine.a.restore(1001, OPERATOR)
    assert (machine.record().after_id, machine.verdicts()["A:3"]) == (None, PvVerdict.RESTORED)
    await everything_comes_back(machine)


async def test_an_abort_gives_up_waits_and_keeps_what_they_wrote() -> None:
    machine = await machine_of(wait=True)
    machine.pvs["A:2"].busy = 60.0
    restore = asyncio.create_task(machine.a.restore(1001, OPERATOR))
    while not machine.channels.puts:
        await asyncio.sleep(0)
    await machine.a.abort()
    assert not await restore
    assert (machine.a.state.result, machine.record().written) == (Result.ABORTED, 3)
    verdicts_are_true(machine)
    await everything_comes_back(machine)


@pytest.mark.parametrize("act", [blocked, defect])
@pytest.mark.parametrize(("call", "number"), BEFORE_WRITING)
async def test_a_fault_before_the_writes_writes_nothing(call: str, number: int, act: Callable[[], None]) -> None:
    machine = await machine_of()
    machine.at(call, number, act)
    assert not await machine.a.restore(1001, OPERATOR)
    assert (machine.a.state.result, machine.channels.written, len(machine.store.snapshots)) == (Result.FAILED, [], 1)
    if act is blocked:
        assert machine.a.state.message == f"Restore of 1001 failed: {BLOCKED}; nothing was written"
    else:
        assert "defect of snapioc, see its log: ZeroDivisionError('a bug')" in machine.a.state.message
    verdicts_are_true(machine)
    await everything_comes_back(machine)


@pytest.mark.parametrize("act", [blocked, defect])
@pytest.mark.parametrize(("call", "number", "done"), WRITING)
async def test_a_fault_of_a_write_leaves_the_account_of_the_others(
    call: str, number: int, done: int, act: Callable[[], None]
) -> None:
    machine = await machine_of()
    machine.at(call, number, act)
    assert not await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert machine.hold(*A) == [*STORED[:done], *BEFORE[done:]]
    assert (state.result, machine.record().written) == (Result.FAILED, done + 1)
    assert state.message.endswith("; the values before it are in 1002")
    if act is blocked:
        assert state.message.startswith(f"Restore of 1001 failed: {BLOCKED}; ")
    fault = f"reads {BEFORE[done]} instead of {STORED[done]}"
    unwritten = tuple((pv, "not written: the restore ended before") for pv in A[done + 1 :])
    assert state.failures == ((A[done], fault), *unwritten)
    assert state.failed == len(state.failures)
    verdicts_are_true(machine)
    await everything_comes_back(machine)


@pytest.mark.parametrize("act", [blocked, defect])
async def test_a_fault_of_a_wait_leaves_the_account(act: Callable[[], None]) -> None:
    machine = await machine_of(wait=True)
    machine.at("put_and_wait", 1, act)
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.result is Result.FAILED
    assert [pv for pv, _ in machine.a.state.failures] == A
    verdicts_are_true(machine)
    await everything_comes_back(machine)


@pytest.mark.parametrize("act", [blocked, defect])
@pytest.mark.parametrize(("call", "number"), PROVING)
async def test_a_fault_of_the_proof_leaves_what_is_known(call: str, number: int, act: Callable[[], None]) -> None:
    machine = await machine_of()
    machine.pvs["A:3"].stuck = True
    machine.at(call, number, act)
    assert not await machine.a.restore(1001, OPERATOR)
    assert (machine.a.state.result, [pv for pv, _ in machine.a.state.failures]) == (Result.FAILED, ["A:3"])
    verdicts_are_true(machine)
    await everything_comes_back(machine)


@pytest.mark.parametrize("act", [blocked, defect])
async def test_what_cannot_be_read_any_more_may_have_been_written(
    act: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    machine = await machine_of()
    reads = 0

    def only_the_first(call: str) -> None:
        nonlocal reads
        reads += call == "read"
        if reads > 1:
            act()

    machine.channels.hook = only_the_first
    with caplog.at_level(logging.WARNING):
        assert not await machine.a.restore(1001, OPERATOR)
    assert [(pv, why.partition(":")[0]) for pv, why in machine.a.state.failures] == [
        (pv, "may have been written") for pv in A
    ]
    assert machine.record().ended_at is not None
    assert "could not be read back" in caplog.text
    await everything_comes_back(machine)


async def test_an_ioc_that_dies_half_way_is_named() -> None:
    machine = await machine_of(policy=Policy.BEST_EFFORT)

    def die() -> None:
        for pv in A[1:]:
            machine.pvs[pv].reason = Reason.DISCONNECTED
            machine.pvs[pv].outcome = Outcome.DISCONNECTED

    machine.at("write", 2, die)
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.failures == (
        ("A:2", "disconnected while it was written"),
        ("A:3", "disconnected while it was written"),
    )
    assert (machine.a.state.result, machine.record().written) == (Result.PARTIAL, 3)


def store_fails() -> None:
    raise StoreError("the store is locked")


async def test_nothing_is_written_if_the_present_values_cannot_be_stored() -> None:
    machine = await machine_of()
    machine.channels.hook = machine.store.hook = lambda call: store_fails() if call == "begin_restore" else None
    assert not await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert (machine.channels.written, machine.store.restores, state.result) == ([], {}, Result.FAILED)
    assert state.message == (
        "Restore of 1001 failed: nothing was written, as the present values could not be kept: the store is locked; "
        "its record could not be stored: the store is locked"
    )
    assert machine.plant.store_fault == "the store is locked"
    machine.store.hook = lambda call: None
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.plant.store_fault is None


async def test_nothing_to_be_written_needs_no_store() -> None:
    machine = await machine_of()
    machine.move(_1=0.0, _2=1.0, _3=2.0)
    machine.at("begin_restore", 1, store_fails)
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.message.endswith("; its record could not be stored: the store is locked")


async def test_a_store_that_fails_at_the_end_makes_it_failed_and_learns_it_later() -> None:
    machine = await machine_of()
    machine.at("end_restore", 1, store_fails)
    assert not await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert (machine.hold(*A), state.result, machine.plant.store_fault) == (STORED, Result.FAILED, "the store is locked")
    assert "; the values before it are in 1002; its record could not be stored: the store is locked" in state.message
    assert counts(machine.a) == {"total": 3, "done": 3}
    with pytest.raises(Refused, match="the record of restore 1 is not closed"):
        await machine.a.undo(OPERATOR)
    assert [told async for told in machine.plant.records.catch_up()] == ["A"]
    verdicts_are_true(machine)
    await everything_comes_back(machine)


async def test_a_store_that_cannot_be_read_is_a_failed_restore_that_wrote_nothing() -> None:
    machine = await machine_of()
    machine.store.fault = "the store is locked"
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.message == "Restore of 1001 failed: nothing was written, as the store is locked"
    assert (machine.a.state.restore_id, machine.channels.written) == (1001, [])
    assert not await machine.a.undo(OPERATOR)
    assert machine.a.state.message == "Undo failed: nothing was written, as the store is locked"


async def test_a_snapshot_that_is_deleted_meanwhile_is_not_restored() -> None:
    machine = await machine_of()
    machine.at("read", 1, machine.store.snapshots.clear)
    assert not await machine.a.restore(1001, OPERATOR)
    assert "there is no snapshot 1001" in machine.a.state.message
    assert (machine.channels.written, machine.plant.store_fault) == ([], None)
