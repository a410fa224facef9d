"""What a preview says of a restore, and that it does nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from snapioc.model import DbrType, Flag, Member, Mode, Reason, Refused, SnapError
from snapioc.operations import Policy, Result, Status
from snapioc.operations.preview import SHOWN
from snapioc.operations.wording import WIDTH

from .fakes import FakePv, FakeView
from .machine import OPERATOR, A, Machine, counts, moved


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look at what was written, with no pause."""
    monkeypatch.setattr("snapioc.operations.proof.PAUSES", (0.0,))


async def test_it_says_what_would_be_written_and_writes_nothing() -> None:
    machine = await moved()
    machine.move(_2=1.0)
    before = machine.hold()
    assert await machine.a.preview(1001, OPERATOR)
    state = machine.a.state
    assert (machine.hold(), machine.channels.puts, list(machine.store.snapshots), machine.store.restores) == (
        before,
        [],
        [1001],
        {},
    )
    assert state.planned.count == 2
    assert state.planned.lines == ("A:1\t10.0\t0.0", "A:3\t12.0\t2.0")
    assert (state.result, state.preview_id, state.restore_id, state.progress) == (Result.SUCCESS, 1001, 0, 100.0)
    assert state.message == "Preview: Restore of 1001 would write 2 PVs, 1 hold their values already"
    assert counts(machine.a) == {"total": 3, "done": 3, "unchanged": 1}
    assert machine.a.undo_point is None


async def test_the_status_is_previewing_all_the_time() -> None:
    machine = await moved()
    assert isinstance(machine.a.view, FakeView)
    machine.a.view.seen.clear()
    assert await machine.a.preview(1001, OPERATOR)
    assert {seen[0] for seen in machine.a.view.seen} == {Status.PREVIEWING, Status.IDLE}


def nothing(machine: Machine) -> None:
    pass


def disabled(machine: Machine) -> None:
    machine.pvs["A:2.DISP"] = FakePv(1, DbrType.CHAR)


def limited(machine: Machine) -> None:
    machine.pvs["A:2"].low, machine.pvs["A:2"].high = 5.0, 20.0


def dead(machine: Machine) -> None:
    machine.pvs["A:2"].reason = Reason.NEVER_CONNECTED


def all_dead(machine: Machine) -> None:
    for pv in A:
        machine.pvs[pv].reason = Reason.NEVER_CONNECTED


def cut(machine: Machine) -> None:
    machine.pvs["A:2"].flags = Flag.CUT


def back(machine: Machine) -> None:
    machine.move(_1=0.0, _2=1.0, _3=2.0)


@pytest.mark.parametrize("changed_only", [True, False])
@pytest.mark.parametrize("filter_text", ["", "A:*", "!A:3", "A:2"])
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("spoil", [nothing, disabled, limited, dead, all_dead, cut, back])
async def test_it_ends_as_the_restore_would(
    spoil: Callable[[Machine], None], policy: Policy, filter_text: str, changed_only: bool
) -> None:
    machine = await moved(policy=policy, changed_only=changed_only)
    spoil(machine)
    state = machine.a.state
    machine.a.inputs.set_text("filter", filter_text)
    well = await machine.a.preview(1001, OPERATOR)
    previewed = state.result, state.failures, counts(machine.a)
    planned = [line.partition("\t")[0] for line in state.planned.lines]
    assert machine.channels.written == []
    assert (f"(filter {filter_text})" in state.message) == bool(filter_text)
    assert machine.a.inputs.filter == filter_text
    assert await machine.a.restore(1001, OPERATOR) == well
    assert (state.result, state.failures, counts(machine.a)) == previewed
    assert machine.channels.written == planned


async def test_strict_that_would_fail_says_so_and_shows_no_plan() -> None:
    machine = await moved()
    assert await machine.a.preview(1001, OPERATOR)
    dead(machine)
    assert not await machine.a.preview(1001, OPERATOR)
    state = machine.a.state
    assert state.message == (
        "Preview: Restore of 1001 would fail: nothing was written, as 1 PV cannot be written (A:2: never connected)"
    )
    assert (state.result, state.failures) == (Result.FAILED, (("A:2", "never connected"),))
    assert (state.planned.count, state.planned.lines) == (0, ())


async def test_best_effort_says_what_could_not_be_written() -> None:
    machine = await moved(Member("A:1"), Member("A:2"), Member("A:3", mode=Mode.READ_ONLY), policy=Policy.BEST_EFFORT)
    dead(machine)
    assert not await machine.a.preview(1001, OPERATOR)
    assert machine.a.state.message == (
        "Preview: Restore of 1001 would write 1 PV, 0 hold their values already; 1 left out (1 read-only member); "
        "1 could not be written, A:2: never connected"
    )
    assert machine.a.state.failures == (("A:2", "never connected"), ("A:3", "left out: read-only member"))
    assert counts(machine.a) == {"total": 3, "done": 1, "failed": 1, "skipped": 1}


async def test_the_undo_point_can_be_previewed() -> None:
    machine = await moved()
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.a.undo_point is not None
    assert await machine.a.preview(machine.a.undo_point.undo_id or 0, OPERATOR)
    assert machine.a.state.planned.lines == ("A:1\t0.0\t10.0", "A:2\t1.0\t11.0", "A:3\t2.0\t12.0")


async def test_a_long_text_leaves_room_for_others() -> None:
    machine = await moved(Member("A:1"), Member("A:2"))
    machine.pvs["A:1"] = FakePv(b"x" * 300, DbrType.STRING, flags=Flag.LONG)
    await machine.saved()
    machine.move(_1=b"y" * 300, _2=5.0)
    assert await machine.a.preview(1002, OPERATOR)
    first, second = machine.a.state.planned.lines
    assert first.split("\t") == ["A:1", f'"{"y" * (WIDTH - 1)}...', f'"{"x" * (WIDTH - 1)}...']
    assert second == "A:2\t5.0\t11.0"


async def test_of_many_pvs_the_first_are_put_into_words_and_all_are_counted() -> None:
    machine = await moved(*[Member(f"A:{i}") for i in range(SHOWN + 1)])
    assert await machine.a.preview(1001, OPERATOR)
    planned = machine.a.state.planned
    assert (planned.count, len(planned.lines), planned.show_all) == (SHOWN + 1, SHOWN, "snapioc diff 1001 live --exact")


@pytest.mark.parametrize("call", ["connect", "refresh", "connect DISP", "disconnected DISP", "read"])
async def test_abort_and_a_blocked_ca_client(call: str) -> None:
    machine = await moved()
    machine.a.inputs.set_text("filter", "A:*")
    machine.at(call, 1, machine.abort)
    assert not await machine.a.preview(1001, OPERATOR)
    assert (machine.a.state.result, machine.a.state.message) == (
        Result.ABORTED,
        "Preview of 1001 aborted, chosen 3 of 3 (filter A:*)",
    )

    def blocked() -> None:
        raise SnapError("the CA client has not answered")

    machine.plant.disabled._waited_for.clear()
    machine.at(call, 1, blocked)
    assert not await machine.a.preview(1001, OPERATOR)
    assert (machine.a.state.result, machine.a.state.message) == (
        Result.FAILED,
        "Preview of 1001 failed: the CA client has not answered, chosen 3 of 3 (filter A:*)",
    )
    assert machine.store.restores == {}


async def test_what_is_refused_touches_nothing() -> None:
    machine = await moved()
    assert await machine.a.preview(0, OPERATOR)
    machine.a.inputs.set_text("filter", "Z*")
    with pytest.raises(Refused, match="matches no PV of snapshot 1001"):
        await machine.a.preview(1001, OPERATOR)
    with pytest.raises(Refused, match="no snapshot 4711"):
        await machine.a.preview(4711, OPERATOR)
    with pytest.raises(Refused, match="of the set A"):
        await machine.groups["B"].preview(1001, OPERATOR)
    assert (machine.a.state.preview_id, machine.a.state.ops) == (0, 1)


async def test_it_shows_its_plan_without_a_permit_but_says_so() -> None:
    machine = await moved()
    machine.plant.permit_pv = "A:NONE"
    assert not await machine.a.preview(1001, OPERATOR)
    assert (machine.a.state.result, machine.a.state.planned.count) == (Result.PARTIAL, 3)
    assert "; but a restore would be refused now: the permit PV A:NONE could not be read" in machine.a.state.message


async def test_a_store_that_fails_is_a_failed_preview() -> None:
    machine = await moved()
    machine.store.fault = "the store is locked"
    assert not await machine.a.preview(1001, OPERATOR)
    assert (machine.a.state.message, machine.a.state.preview_id) == ("Preview of 1001 failed: the store is locked", 1001)


async def test_it_locks_as_a_save_does() -> None:
    machine = await moved()
    await machine.saved("B")
    machine.channels.gate = asyncio.Event()
    preview = asyncio.create_task(machine.a.preview(1001, OPERATOR))
    while machine.a.state.status is not Status.PREVIEWING:
        await asyncio.sleep(0)
    with pytest.raises(Refused, match="the preview of 1001 by A is running and shares 1 PV, A:3"):
        await machine.groups["B"].restore(1002, OPERATOR)
    assert machine.plant.locks.restoring == ()
    other = asyncio.create_task(machine.groups["B"].preview(1002, OPERATOR))
    await asyncio.sleep(0.01)
    machine.channels.gate.set()
    assert list(await asyncio.gather(preview, other)) == [True, True]
