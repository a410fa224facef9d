"""What a restore does to the machine besides what it was told to, and what the machine does to the restore meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from snapioc.model import Member, Outcome, PvVerdict, Reason
from snapioc.operations import Policy, Result

from .machine import OPERATOR, A, Machine, counts, moved


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks at what was written, with no pause; everything is stale at once."""
    monkeypatch.setattr("snapioc.operations.proof.PAUSES", (0.0, 0.0))


@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.operations.second_look.STALE", 0.0)


async def test_a_pv_that_was_left_alone_and_moved_with_the_others_has_failed_and_is_taken_back() -> None:
    machine = await moved()
    machine.move(_2=1.0)
    machine.at("write", 1, lambda: machine.move(_2=70.0))
    assert not await machine.a.restore(1001, OPERATOR)
    why = "held its value before, and now reads 70.0 instead of 1.0"
    assert (machine.a.state.result, machine.a.state.failures) == (Result.PARTIAL, (("A:2", why),))
    assert counts(machine.a) == {"total": 3, "done": 2, "failed": 1}
    assert (machine.verdicts()["A:2"], machine.record().written) == (PvVerdict.DIFFERENT, 3)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == [10.0, 1.0, 12.0]


async def test_it_is_refused_to_take_back_what_was_moved_again() -> None:
    machine = await moved()
    machine.move(_2=1.0)
    machine.at("write", 1, lambda: machine.move(_2=70.0))
    assert not await machine.a.restore(1001, OPERATOR)
    machine.move(_2=71.0)
    assert not await machine.a.undo(OPERATOR)
    assert "A:2: was moved since: reads 71.0, but the restore left it at 70.0" in machine.a.state.message


async def test_without_the_read_back_nobody_looks_at_those_that_were_left_alone() -> None:
    machine = await moved(verify=False)
    machine.move(_2=1.0)
    machine.at("write", 1, lambda: machine.move(_2=70.0))
    assert await machine.a.restore(1001, OPERATOR)


async def test_a_refused_put_whose_value_arrived_is_taken_back() -> None:
    machine = await moved(Member("A:1"))
    machine.at("write", 1, lambda: machine.move(_1=0.0))
    machine.pvs["A:1"].outcome = Outcome.REFUSED
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.record().written == 1
    machine.pvs["A:1"].outcome = Outcome.DONE
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1") == [10.0]


async def test_what_was_never_written_is_nothing_that_could_be_taken_back() -> None:
    machine = await moved(Member("A:1"), Member("A:2", order=1))
    machine.pvs["A:1"].outcome = Outcome.REFUSED
    machine.at("write", 1, lambda: machine.move(_1=3.0))
    assert not await machine.a.restore(1001, OPERATOR)
    machine.pvs["A:1"].outcome = Outcome.DONE
    machine.move(_2=70.0)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1", "A:2") == [10.0, 70.0]


async def test_to_write_what_is_there_already_is_no_new_undo_point() -> None:
    machine = await moved(Member("A:1"), Member("A:2", always=True))
    assert await machine.a.restore(1001, OPERATOR)
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.record().written == 0
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1", "A:2") == [10.0, 11.0]


@pytest.mark.parametrize(("status", "severity", "alarm"), [(18, 0, "NO_ALARM DISABLE"), (14, 3, "INVALID LINK")])
async def test_a_record_that_has_its_value_and_does_nothing_with_it_has_failed(
    status: int, severity: int, alarm: str
) -> None:
    machine = await moved(Member("A:1"), Member("A:2"))
    machine.at("write", 1, lambda: machine.pvs["A:2"].__dict__.update(status=status, severity=severity))
    assert not await machine.a.restore(1001, OPERATOR)
    why = f"holds its value, but may have done nothing with it: its alarm is {alarm}"
    assert machine.a.state.failures == (("A:2", why),)


async def test_a_field_needs_no_processing() -> None:
    machine = await moved(Member("A:1"), Member("A:2.DRVH"))
    machine.at("write", 1, lambda: machine.pvs["A:2.DRVH"].__dict__.update(status=17, severity=3))
    assert await machine.a.restore(1001, OPERATOR)


@pytest.mark.usefixtures("stale")
async def test_a_ramp_begins_where_its_pv_is_when_its_turn_comes() -> None:
    machine = await moved(Member("A:1", wait=True), Member("A:2", order=1, ramp=100.0))
    machine.at("put_and_wait", 1, lambda: machine.move(_2=1.5))
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.channels.puts == [{"A:1": 0.0}, {"A:2": 1.0}]
    assert machine.texts() == {"A:2": "read 1.5 just before it was written, and 11.0 at the check"}
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1", "A:2") == [10.0, 11.0]


@pytest.mark.usefixtures("stale")
@pytest.mark.parametrize("policy", Policy)
async def test_what_cannot_be_written_any_more_is_not(policy: Policy) -> None:
    machine = await moved(Member("A:1", wait=True), Member("A:2", order=1), Member("A:3", order=1), policy=policy)
    machine.at("put_and_wait", 1, lambda: machine.pvs["A:2"].__dict__.update(writable=False))
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.hold(*A) == [0.0, 11.0, 12.0 if policy is Policy.STRICT else 2.0]
    assert machine.verdicts()["A:2"] is PvVerdict.CANNOT
    assert ("A:2", "no write access") in machine.a.state.failures


@pytest.mark.usefixtures("stale")
async def test_nor_what_cannot_be_read_any_more() -> None:
    machine = await moved(Member("A:1", wait=True), Member("A:2", order=1), policy=Policy.BEST_EFFORT)
    machine.at("put_and_wait", 1, lambda: machine.pvs["A:2"].__dict__.update(reason=Reason.DISCONNECTED))
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == ["A:1"]


@pytest.mark.usefixtures("stale")
async def test_nothing_more_is_written_once_restores_are_disabled() -> None:
    machine = await moved(Member("A:1", wait=True), Member("A:2", order=1))
    machine.at("put_and_wait", 1, lambda: setattr(machine.plant, "restore_enabled", False))
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.hold("A:1", "A:2") == [0.0, 11.0]
    assert "failed: stopped: restores are disabled (RESTORE_ENABLE)" in machine.a.state.message
    assert machine.a.state.failures == (("A:2", "not written: the restore was stopped before"),)


async def test_what_is_fresh_is_not_looked_at_again() -> None:
    machine: Machine = await moved(Member("A:1"), Member("A:2", order=1))
    machine.at("write", 1, lambda: machine.move(_2=70.0))
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.texts() == {}


async def test_one_that_could_not_be_read_again_was_not_moved() -> None:
    machine = await moved()
    machine.move(_2=1.0)
    machine.at("write", 1, lambda: machine.pvs["A:2"].__dict__.update(reason=Reason.NO_ANSWER))
    assert await machine.a.restore(1001, OPERATOR)
    machine.pvs["A:2"].reason = Reason.OK
    machine.move(_2=105.0)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == [10.0, 105.0, 12.0]


async def test_an_aborted_restore_takes_back_what_it_dragged() -> None:
    machine = await moved(Member("A:1", wait=True), Member("A:2"), Member("A:3", order=1))
    machine.move(_2=1.0)
    machine.pvs["A:1"].busy = 0.05

    def drags() -> None:
        machine.move(_2=70.0)
        asyncio.get_running_loop().create_task(machine.a.abort())

    machine.at("put_and_wait", 1, drags)
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.result is Result.ABORTED
    assert dict(machine.a.state.failures)["A:2"] == "held its value before, and now reads 70.0 instead of 1.0"
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == [10.0, 1.0, 12.0]


async def test_the_redo_of_a_drag_does_not_overwrite_what_was_moved_since() -> None:
    machine = await moved()
    machine.move(_2=1.0)
    machine.at("write", 1, lambda: machine.move(_2=70.0))
    assert not await machine.a.restore(1001, OPERATOR)
    assert await machine.a.undo(OPERATOR)
    machine.move(_2=500.0)
    assert not await machine.a.undo(OPERATOR)
    assert "A:2: was moved since: reads 500.0, but the restore left it at 1.0" in machine.a.state.message
    machine.move(_2=1.0)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == [0.0, 70.0, 2.0]


async def test_a_refused_put_that_did_not_arrive_leaves_nothing_to_take_back() -> None:
    machine = await moved(Member("A:1"), Member("A:2"), policy=Policy.BEST_EFFORT)
    machine.pvs["A:2"].outcome = Outcome.REFUSED
    assert not await machine.a.restore(1001, OPERATOR)
    machine.pvs["A:2"].outcome = Outcome.DONE
    machine.move(_2=70.0)
    machine.a.inputs.policy = Policy.STRICT
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1", "A:2") == [10.0, 70.0]


@pytest.mark.usefixtures("stale")
async def test_undo_does_not_pass_over_a_restore_that_overwrote_an_operator() -> None:
    machine = await moved(Member("A:1", wait=True), Member("A:2", always=True, order=1))
    assert await machine.a.restore(1001, OPERATOR)
    machine.at("put_and_wait", 1, lambda: machine.move(_2=70.0))
    machine.a.inputs.changed_only = False
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.record().written == 2
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1", "A:2") == [0.0, 1.0]


async def test_a_ramp_stops_when_restores_are_disabled() -> None:
    machine = await moved(Member("A:1", ramp=20.0))
    machine.at("write", 2, lambda: setattr(machine.plant, "restore_enabled", False))
    assert not await machine.a.restore(1001, OPERATOR)
    assert 0.0 < float(str(machine.hold("A:1")[0])) < 10.0
    assert "stopped: restores are disabled" in machine.a.state.message


@pytest.mark.usefixtures("stale")
async def test_a_ramp_that_could_not_begin_at_the_check_begins_when_it_can() -> None:
    machine = await moved(Member("A:1", wait=True), Member("A:2", order=1, ramp=20.0))
    machine.move(_2=float("nan"))
    machine.at("put_and_wait", 1, lambda: machine.move(_2=4.0))
    assert await machine.a.restore(1001, OPERATOR)
    steps = [put["A:2"] for put in machine.channels.puts if "A:2" in put]
    assert (len(steps), steps[-1]) == (2, 1.0)
