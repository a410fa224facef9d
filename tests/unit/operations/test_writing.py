"""Writing: order, waits, ramps, batches, and what is known when it is broken off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pytest

from snapioc.model import DbrType, Member, Outcome, Readings, ReadingsBuilder, SnapError, Value
from snapioc.operations.job import Aborted
from snapioc.operations.pace import Pace
from snapioc.operations.ramp import PERIOD
from snapioc.operations.state import Status
from snapioc.operations.ways import ways_of
from snapioc.operations.writing import Writing
from tests.unit.operations.fakes import FakeChannels, FakePv

T = TypeVar("T")

DONE, PENDING, REFUSED, NOT_SENT = Outcome.DONE, Outcome.PENDING, Outcome.REFUSED, Outcome.NOT_SENT

HOURS = 7200.0


@dataclass
class FakeControl:
    done: list[int] = field(default_factory=list)
    shown: list[Status] = field(default_factory=list)
    on_show: Callable[[Status], None] = lambda _: None
    abort: asyncio.Event = field(default_factory=asyncio.Event)

    def advance(self, done: int) -> None:
        self.done.append(done)

    def safe_point(self) -> None:
        if self.abort.is_set():
            raise Aborted

    async def abortable(self, work: Coroutine[Any, Any, T]) -> T:
        task, abort = asyncio.ensure_future(work), asyncio.ensure_future(self.abort.wait())
        try:
            await asyncio.wait({task, abort}, return_when=asyncio.FIRST_COMPLETED)
            self.safe_point()
            return await task
        finally:
            for pending in (task, abort):
                pending.cancel()
            await asyncio.gather(task, abort, return_exceptions=True)

    async def show(self, status: Status) -> None:
        self.shown.append(status)
        self.on_show(status)


class AsPlanned:
    """Nothing has changed since the check."""

    async def at(self, rows: np.ndarray) -> tuple[np.ndarray, None]:
        return rows, None

    async def require_permit(self) -> None:
        return


def readings(values: Sequence[Value], types: Sequence[DbrType]) -> Readings:
    builder = ReadingsBuilder(len(values))
    for row, (value, dbr_type) in enumerate(zip(values, types, strict=True)):
        builder.add(row, dbr_type, value)
    return builder.build()


class Machine:
    """Members with the value 1 each (or what is said), written from what their PVs hold (0, or what is said)."""

    def __init__(self, *members: Member, **values: Value) -> None:
        self.members = members
        self.pvs = {member.pv: FakePv() for member in members}
        self.channels = FakeChannels(self.pvs)
        self.control = FakeControl()
        self.values = values

    def writing(
        self,
        *,
        strict: bool = True,
        verify: bool = True,
        batch: int = 100,
        rate: float | None = None,
        timeout: float = 5.0,
    ) -> Writing:
        types = [pv.dbr_type for pv in self.pvs.values()]
        present = readings([pv.value for pv in self.pvs.values()], types)
        wanted = readings([self.values.get(pv, 1.0) for pv in self.pvs], types)
        return Writing(
            self.channels,
            ways_of(self.members),
            wanted,
            present,
            self.control,
            pace=Pace(rate, batch),
            timeout=timeout,
            stop_on_failure=strict,
            verify=verify,
            look=AsPlanned(),
        )

    def of(self, pv: str) -> list[Value | None]:
        """What was put to a PV."""
        return [put[pv] for put in self.channels.puts if pv in put]

    @property
    def batches(self) -> list[str]:
        return ["".join(put) for put in self.channels.puts]


def outcomes(writing: Writing) -> list[int]:
    return writing.written.outcomes.tolist()


async def test_plain_members_go_in_batches_and_in_their_order() -> None:
    machine = Machine(*(Member(pv, order=order) for pv, order in zip("abcdefg", (5, 5, -3, 5, 10**30, -3, 5), strict=True)))
    writing = machine.writing(batch=3)
    await writing.run()
    assert machine.batches == ["cf", "abd", "g", "e"]
    assert outcomes(writing) == [DONE] * 7
    assert all(pv.value == 1.0 for pv in machine.pvs.values())
    assert writing.written.sent.tolist() == list(range(7))
    assert not writing.stopped
    assert machine.control.done[-1] == 7
    assert machine.control.done == sorted(machine.control.done)
    assert machine.control.shown == []


async def test_a_set_of_plain_members_is_one_write() -> None:
    machine = Machine(*(Member(f"pv{n}") for n in range(50)))
    await machine.writing(batch=50).run()
    assert len(machine.channels.puts) == 1


async def test_nothing_to_write_is_no_trouble() -> None:
    writing = Machine().writing()
    await writing.run()
    assert outcomes(writing) == []


async def test_strict_stops_before_the_next_batch() -> None:
    machine = Machine(*(Member(pv) for pv in "abcdef"))
    machine.pvs["c"].outcome = REFUSED
    writing = machine.writing(batch=2)
    await writing.run()
    assert writing.stopped
    assert outcomes(writing) == [DONE, DONE, REFUSED, DONE, NOT_SENT, NOT_SENT]
    assert writing.written.touched.tolist() == [True, True, True, True, False, False]
    assert writing.written.failed(verify=True).tolist() == [False, False, True, False, False, False]
    assert writing.written.sent.tolist() == [0, 1, 3]


async def test_best_effort_goes_on() -> None:
    machine = Machine(Member("a"), Member("b", order=1))
    machine.pvs["a"].outcome = REFUSED
    writing = machine.writing(strict=False)
    await writing.run()
    assert outcomes(writing) == [REFUSED, DONE]
    assert not writing.stopped


@pytest.mark.parametrize("verify", [True, False])
async def test_a_plain_put_that_is_pending_is_left_to_the_read_back_if_there_is_one(verify: bool) -> None:
    machine = Machine(Member("a"), Member("b", order=1))
    machine.pvs["a"].outcome = PENDING
    writing = machine.writing(verify=verify)
    await writing.run()
    assert writing.stopped is not verify
    assert outcomes(writing) == [PENDING, DONE if verify else NOT_SENT]
    assert writing.written.failed(verify=verify).tolist() == [not verify, False]


async def test_the_next_group_waits_for_the_waits_but_the_own_group_does_not() -> None:
    machine = Machine(Member("a", wait=True), Member("b", wait=True), Member("c"), Member("d"), Member("e", order=1))
    machine.pvs["a"].busy, machine.pvs["b"].busy = 0.2, 0.1
    seen: dict[Status, list[str]] = {}
    machine.control.on_show = lambda status: seen.update({status: sorted(machine.batches)})
    writing = machine.writing(batch=1, timeout=HOURS)
    begun = time.monotonic()
    await writing.run()
    assert time.monotonic() - begun >= 0.2
    assert seen == {Status.WRITING: [], Status.WAITING: ["ab", "c", "d"]}
    assert machine.batches[-1] == "e"
    assert outcomes(writing) == [DONE] * 5
    assert machine.control.done[-1] == 5


async def test_a_wait_that_runs_out_is_late_and_best_effort_goes_on() -> None:
    machine = Machine(Member("a", wait=True, timeout=0.1), Member("b", wait=True), Member("c", order=1))
    machine.pvs["a"].busy = HOURS
    writing = machine.writing(strict=False)
    await writing.run()
    assert outcomes(writing) == [PENDING, DONE, DONE]
    assert writing.written.late.tolist() == [True, False, False]
    assert writing.written.failed(verify=True).tolist() == [True, False, False]
    assert writing.written.sent.tolist() == [0, 1, 2]


async def test_a_wait_that_runs_out_has_failed_under_strict() -> None:
    machine = Machine(Member("a", wait=True), Member("b", order=1))
    machine.pvs["a"].busy = HOURS
    writing = machine.writing(timeout=0.1)
    await writing.run()
    assert writing.stopped
    assert outcomes(writing) == [PENDING, NOT_SENT]


async def test_under_strict_the_first_wait_that_runs_out_ends_the_others() -> None:
    machine = Machine(Member("a", wait=True, timeout=0.1), Member("b", wait=True, timeout=HOURS), Member("c", order=1))
    machine.pvs["a"].busy = machine.pvs["b"].busy = 2 * HOURS
    writing = machine.writing()
    async with asyncio.timeout(30):
        await writing.run()
    assert outcomes(writing) == [PENDING, PENDING, NOT_SENT]
    assert writing.written.late.tolist() == [True, False, False]
    assert writing.stopped


async def test_under_strict_a_refusal_ends_the_waiting_and_the_batches() -> None:
    machine = Machine(Member("a", wait=True), Member("b", wait=True), Member("c", order=1))
    machine.pvs["a"].busy = HOURS
    machine.pvs["b"].outcome = REFUSED
    writing = machine.writing()
    async with asyncio.timeout(30):
        await writing.run()
    assert outcomes(writing) == [PENDING, REFUSED, NOT_SENT]
    assert writing.written.late.tolist() == [False] * 3
    assert writing.written.touched.tolist() == [True, True, False]
    assert writing.stopped


async def test_a_plain_failure_ends_the_waiting_under_strict() -> None:
    machine = Machine(Member("a", wait=True), Member("b"))
    machine.pvs["a"].busy = HOURS
    machine.pvs["b"].outcome = Outcome.DISCONNECTED
    writing = machine.writing()
    async with asyncio.timeout(30):
        await writing.run()
    assert outcomes(writing) == [PENDING, Outcome.DISCONNECTED]
    assert writing.written.touched.tolist() == [True, True]


@pytest.mark.parametrize("ramp", [None, 0.001])
async def test_abort_ends_waits_and_ramps_and_what_may_have_been_written_is_known(ramp: float | None) -> None:
    machine = Machine(Member("a", wait=True), Member("b", wait=True), Member("c", ramp=ramp), Member("d", order=1))
    machine.pvs["a"].busy = HOURS
    writing = machine.writing()
    running = asyncio.create_task(writing.run())
    await asyncio.sleep(0.05)
    machine.control.abort.set()
    with pytest.raises(Aborted):
        await running
    assert outcomes(writing) == [PENDING, DONE, PENDING if ramp else DONE, NOT_SENT]
    assert writing.written.touched.tolist() == [True, True, True, False]


async def test_abort_between_batches() -> None:
    machine = Machine(*(Member(pv) for pv in "abcd"))
    machine.channels.on_write = machine.control.abort.set
    writing = machine.writing(batch=2)
    with pytest.raises(Aborted):
        await writing.run()
    assert outcomes(writing) == [DONE, DONE, NOT_SENT, NOT_SENT]


async def test_abort_while_the_rate_makes_it_wait() -> None:
    machine = Machine(*(Member(pv) for pv in "abcd"))
    writing = machine.writing(rate=0.001)
    running = asyncio.create_task(writing.run())
    await asyncio.sleep(0.05)
    machine.control.abort.set()
    with pytest.raises(Aborted):
        await running
    assert outcomes(writing) == [DONE, NOT_SENT, NOT_SENT, NOT_SENT]


@pytest.mark.parametrize("others", [{}, {"wait": True}, {"ramp": 0.001}])
async def test_when_the_client_does_not_answer_all_that_was_asked_of_it_may_be_written(others: dict[str, Any]) -> None:
    machine = Machine(Member("a"), Member("b"), Member("c"), Member("d", **others))
    machine.pvs["d"].busy = HOURS

    def fail_the_second() -> None:
        if any("a" in put for put in machine.channels.puts):
            raise SnapError("a hung IOC blocks libca")

    machine.channels.on_write = fail_the_second
    writing = machine.writing(batch=1)
    async with asyncio.timeout(30):
        with pytest.raises(SnapError, match="hung IOC"):
            await writing.run()
    assert outcomes(writing)[:3] == [DONE, PENDING, NOT_SENT]
    assert writing.written.touched.tolist()[:3] == [True, True, False]


async def test_cancelling_the_write_leaves_no_task_behind() -> None:
    machine = Machine(Member("a", wait=True), Member("b", ramp=0.001))
    machine.pvs["a"].busy = HOURS
    writing = machine.writing()
    running = asyncio.create_task(writing.run())
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert outcomes(writing) == [PENDING, PENDING]


async def test_a_ramp_goes_step_by_step_and_ends_bit_for_bit() -> None:
    machine = Machine(Member("a", ramp=2.0), Member("b", ramp=-0.0), Member("c", order=1), a=-0.7)
    writing = machine.writing()
    begun = time.monotonic()
    await writing.run()
    took = time.monotonic() - begun
    written = machine.of("a")
    assert written == sorted(written, reverse=True)  # type: ignore[type-var]
    assert written[-1] == -0.7
    assert took >= 0.35 - PERIOD - 0.05
    assert abs(written[0] + 2.0 * PERIOD) < 1e-9  # type: ignore[operator]
    steps = -np.diff([0.0, *written])
    assert steps.max() <= 2 * 2.0 * PERIOD + 1e-9
    assert machine.of("b") == [1.0]
    assert machine.batches[-1] == "c"
    assert writing.written.at_once.tolist() == [False, True, False]
    assert outcomes(writing) == [DONE] * 3


async def test_ramps_move_side_by_side_with_one_write_per_period() -> None:
    members = [Member(f"pv{n};", ramp=2.0 + n) for n in range(20)]
    machine = Machine(*members)
    await machine.writing().run()
    assert machine.batches[0] == "".join(machine.pvs)
    assert len(machine.channels.puts) <= 5
    assert all(pv.value == 1.0 for pv in machine.pvs.values())


async def test_a_ramp_that_is_refused_ends_there_and_the_others_go_on() -> None:
    machine = Machine(Member("a", ramp=3.0), Member("b", ramp=3.0))
    count = 0

    def refuse_from_the_second_step() -> None:
        nonlocal count
        count += 1
        if count == 2:
            machine.pvs["a"].outcome = REFUSED

    machine.channels.on_write = refuse_from_the_second_step
    writing = machine.writing(strict=False)
    await writing.run()
    assert outcomes(writing) == [REFUSED, DONE]
    assert len(machine.of("a")) == 2
    assert machine.pvs["a"].value != 0.0
    assert writing.written.touched.tolist() == [True, True]
    assert machine.control.done[-1] == 2


async def test_a_ramp_whose_ioc_does_not_answer_is_broken_off_and_late() -> None:
    machine = Machine(Member("a", ramp=3.0), Member("b", order=1))
    machine.pvs["a"].outcome = PENDING
    writing = machine.writing()
    await writing.run()
    assert len(machine.of("a")) == 1
    assert outcomes(writing) == [PENDING, NOT_SENT]
    assert writing.written.late.tolist() == [True, False]
    assert writing.stopped


async def test_under_strict_a_failed_write_stops_the_ramps() -> None:
    machine = Machine(Member("a", ramp=0.001), Member("b"))
    machine.pvs["b"].outcome = REFUSED
    writing = machine.writing()
    async with asyncio.timeout(30):
        await writing.run()
    assert outcomes(writing) == [PENDING, REFUSED]
    assert writing.stopped


async def test_the_end_of_a_ramp_is_waited_for_while_others_move() -> None:
    machine = Machine(Member("a", ramp=100.0, wait=True), Member("b", ramp=2.5), Member("c", order=1))
    machine.pvs["a"].busy = 0.8
    writing = machine.writing(timeout=HOURS)
    begun = time.monotonic()
    await writing.run()
    assert time.monotonic() - begun >= 0.8
    assert machine.of("a") == [1.0]
    assert len(machine.of("b")) >= 3
    assert machine.batches[-1] == "c"
    assert outcomes(writing) == [DONE] * 3
    assert machine.control.shown == [Status.WRITING, Status.WAITING]


async def test_a_stall_makes_a_ramp_late_and_not_jump() -> None:
    machine = Machine(Member("a", ramp=1.0))
    machine.values["a"] = 0.6
    stalls = iter([0.0, 0.5])
    write = machine.channels.write

    async def stall(*arguments: Any) -> np.ndarray:
        await asyncio.sleep(next(stalls, 0.0))
        return await write(*arguments)

    machine.channels.write = stall  # type: ignore[method-assign, assignment]
    await machine.writing().run()
    steps = np.diff([0.0, *machine.of("a")])
    assert steps.max() <= 0.2 + 1e-9


async def test_the_rate_is_that_of_batches_and_waits() -> None:
    machine = Machine(*(Member(pv) for pv in "abcd"), *(Member(pv, wait=True) for pv in "efgh"))
    begun = time.monotonic()
    await machine.writing(rate=20, batch=2).run()
    assert time.monotonic() - begun >= 0.3
    assert sorted(machine.batches) == ["ab", "cd", "ef", "gh"]


async def test_what_cannot_be_ramped_is_written_at_once_and_said() -> None:
    machine = Machine(Member("a", ramp=1.0), Member("b", ramp=1.0, wait=True), Member("c", ramp=1.0), a=b"x", b=2, c=5.0)
    machine.pvs["a"] = replace(machine.pvs["a"], value=b"", dbr_type=DbrType.STRING)
    machine.pvs["b"] = replace(machine.pvs["b"], value=0, dbr_type=DbrType.ENUM)
    machine.pvs["c"].value = float("nan")
    writing = machine.writing()
    await writing.run()
    assert [machine.of(pv) for pv in "abc"] == [[b"x"], [2], [5.0]]
    assert writing.written.at_once.tolist() == [True] * 3
