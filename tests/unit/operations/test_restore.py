"""What a restore writes, what it leaves alone, and what it says of each PV."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from snapioc.model import BEFORE_RESTORE, DbrType, Flag, Member, Mode, OnInvalid, Outcome, PvVerdict, Reason, Refused
from snapioc.operations import Policy, Result, Status
from snapioc.operations.pace import Pace

from .fakes import FakePv, FakeView
from .machine import OPERATOR, A, Machine, counts, later, moved, spoilt

RESTORED, UNCHANGED, CANNOT, NOT_WRITTEN = PvVerdict.RESTORED, PvVerdict.UNCHANGED, PvVerdict.CANNOT, PvVerdict.NOT_WRITTEN


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks at what was written, with no pause."""
    monkeypatch.setattr("snapioc.operations.proof.PAUSES", (0.0, 0.0))
    monkeypatch.setattr("snapioc.operations.proof.LOOK", 0.0)


async def test_it_writes_back_and_keeps_the_way_back() -> None:
    machine = await moved()
    machine.move(_2=1.0)
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.hold(*A) == [0.0, 1.0, 2.0]
    assert machine.channels.written == ["A:1", "A:3"]
    assert counts(machine.a) == {"total": 3, "done": 3, "unchanged": 1}
    assert machine.a.state.result is Result.SUCCESS
    assert machine.a.state.message == (
        "Restore of 1001: 2 of 2 PVs written and read back, 1 held their values already; the values before it are in 1002"
    )
    kept = machine.store.snapshots[1002]
    assert (kept.header.kind, kept.header.restores, kept.header.origin) == (BEFORE_RESTORE, 1001, OPERATOR)
    assert [kept.readings.value(row) for row in range(3)] == [10.0, None, 12.0]
    assert machine.a.state.last_id == 1001
    assert machine.verdicts() == {"A:1": RESTORED, "A:2": UNCHANGED, "A:3": RESTORED}


async def test_the_record_says_who_asked_for_what() -> None:
    machine = await moved()
    machine.a.inputs.set_text("filter", "A:*")
    machine.a.inputs.policy, machine.a.inputs.verify, machine.a.inputs.changed_only = Policy.BEST_EFFORT, False, False
    assert await machine.a.restore(1001, OPERATOR)
    record = machine.record()
    assert (record.new.origin, record.new.snapshot_id, record.new.set_name) == (OPERATOR, 1001, "A")
    assert (record.new.filter, record.new.policy) == ("A:*", "Best effort")
    assert (record.new.verify, record.new.changed_only, record.new.undoes) == (False, False, None)
    assert (record.undo_id, record.after_id, record.written, record.result) == (1002, None, 3, "success")
    assert record.message == machine.a.state.message


async def test_every_step_is_committed_before_the_next() -> None:
    machine = await moved()
    calls: list[tuple[str, int, int]] = []

    def note(call: str) -> None:
        ended = [record for record in machine.store.restores.values() if record.ended_at]
        calls.append((call, len(machine.store.snapshots), len(ended)))

    machine.channels.hook = machine.store.hook = note
    assert await machine.a.restore(1001, OPERATOR)
    changing = [call for call in calls if call[0] in ("begin_restore", "write", "end_restore")]
    assert changing == [("begin_restore", 1, 0), ("write", 2, 0), ("end_restore", 2, 0)]
    assert [call for call, _, _ in calls][-2:] == ["read", "end_restore"]


async def test_the_steps_are_shown_in_their_order_and_progress_never_falls() -> None:
    machine = await moved(Member("A:1"), Member("A:2", wait=True))
    machine.pvs["A:2"].busy = 0.02
    assert isinstance(machine.a.view, FakeView)
    machine.a.view.seen.clear()
    assert await machine.a.restore(1001, OPERATOR)
    steps = list(dict.fromkeys(seen[0] for seen in machine.a.view.seen))
    shown = [Status.CHECKING, Status.KEEPING, Status.WRITING, Status.WAITING, Status.VERIFYING, Status.IDLE]
    assert [step for step in steps if step is not Status.IDLE] == shown[:-1]
    progress: list[Any] = [seen[1] for seen in machine.a.view.seen]
    assert progress == sorted(progress)
    assert progress[-1] == 100.0


@pytest.mark.parametrize(
    ("changed_only", "always", "present", "written", "unchanged"),
    [
        (True, False, [10.0, 1.0], ["A:1"], 1),
        (True, False, [0.0, 1.0], [], 2),
        (True, True, [0.0, 1.0], ["A:2"], 1),
        (True, True, [10.0, 1.0], ["A:1", "A:2"], 0),
        (False, False, [10.0, 1.0], ["A:1", "A:2"], 0),
        (False, True, [0.0, 1.0], ["A:1", "A:2"], 0),
        # Bit for bit: the tolerances play no part, and -0.0 is not 0.0.
        (True, False, [-0.0, 1.25], ["A:1", "A:2"], 0),
    ],
)
async def test_changed_only(
    changed_only: bool, always: bool, present: list[float], written: list[str], unchanged: int
) -> None:
    machine = await moved(Member("A:1"), Member("A:2", always=always, abs_tol=0.5), changed_only=changed_only)
    machine.move(_1=present[0], _2=present[1])
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == written
    assert counts(machine.a) == {"total": 2, "done": 2} | ({"unchanged": unchanged} if unchanged else {})


async def test_nothing_to_be_written_commits_no_values_and_leaves_the_undo_point() -> None:
    machine = await moved()
    assert await machine.a.restore(1001, OPERATOR)
    assert await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert state.message == "Restore of 1001: nothing was to be written, 3 PVs held their values already"
    assert (state.result, len(machine.store.snapshots), len(machine.channels.puts)) == (Result.SUCCESS, 2, 1)
    record = machine.record()
    assert (record.id, record.undo_id, record.written, record.result) == (2, None, 0, "success")
    assert machine.a.undo_point is not None
    assert machine.a.undo_point.id == 1


def disp(value: float) -> Callable[[Machine], None]:
    return lambda machine: machine.pvs.update({"A:2.DISP": FakePv(value, DbrType.CHAR)})


KEPT = "its present value could not be kept: "
SPOILT = [
    (spoilt(writable=False), "no write access"),
    (spoilt(reason=Reason.NEVER_CONNECTED), "never connected"),
    (disp(1), "its record refuses puts (DISP is 1)"),
    (disp(255), "its record refuses puts (DISP is 1)"),
    (spoilt(low=5.0, high=20.0), "1 is beyond the control limits 5 to 20"),
    (spoilt(low=-5.0, high=0.5), "1 is beyond the control limits -5 to 0.5"),
    (spoilt(dbr_type=DbrType.STRING, value=b"x"), "stored as DOUBLE, but the PV is STRING now"),
    (later("read", 1, reason=Reason.NO_ANSWER), KEPT + "no answer in time"),
    (later("read", 1, dbr_type=DbrType.STRING, value=b"x" * 39, flags=Flag.CUT), KEPT + "its text is cut when it is read"),
]


@pytest.mark.parametrize(("spoil", "why"), SPOILT)
async def test_strict_writes_nothing_if_one_pv_fails_the_check(spoil: Callable[[Machine], None], why: str) -> None:
    machine = await moved()
    machine.a.inputs.set_text("filter", "A:*")
    spoil(machine)
    assert not await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert (state.result, machine.channels.written, len(machine.store.snapshots)) == (Result.FAILED, [], 1)
    assert (counts(machine.a), state.failures) == ({"total": 3, "failed": 1}, (("A:2", why),))
    assert state.message.startswith("Restore of 1001 failed: nothing was written, as 1 PV c")
    assert state.message.endswith(f"(A:2: {why}), chosen 3 of 3 (filter A:*)")
    assert machine.verdicts() == {"A:1": NOT_WRITTEN, "A:2": CANNOT, "A:3": NOT_WRITTEN}
    assert (machine.record().undo_id, machine.record().written, machine.record().result) == (None, 0, "failed")
    assert machine.a.inputs.filter == "A:*"


@pytest.mark.parametrize(("spoil", "why"), SPOILT)
async def test_best_effort_leaves_out_and_names_what_fails_the_check(spoil: Callable[[Machine], None], why: str) -> None:
    machine = await moved(policy=Policy.BEST_EFFORT)
    spoil(machine)
    assert not await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert (state.result, machine.channels.written) == (Result.PARTIAL, ["A:1", "A:3"])
    assert (counts(machine.a), state.failures) == ({"total": 3, "done": 2, "failed": 1}, (("A:2", why),))
    assert machine.verdicts() == {"A:1": RESTORED, "A:2": CANNOT, "A:3": RESTORED}
    assert f"1 failed, A:2: {why}" in state.message
    assert [bool(ok) for ok in machine.store.snapshots[1002].readings.ok] == [True, False, True]


@pytest.mark.parametrize("spoil", [disp(0), spoilt(low=0.0, high=0.0), spoilt(low=1.0, high=2.0), spoilt(severity=3)])
async def test_what_passes_the_check(spoil: Callable[[Machine], None]) -> None:
    machine = await moved()
    spoil(machine)
    machine.at("write", 1, lambda: spoilt(severity=0)(machine))  # as a record that is processed
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.hold(*A) == [0.0, 1.0, 2.0]


async def test_a_pv_that_holds_its_value_is_checked_too() -> None:
    machine = await moved()
    machine.move(_2=1.0)
    machine.pvs["A:2"].writable = False
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == []


async def test_best_effort_of_which_nothing_is_left_is_failed() -> None:
    machine = await moved(policy=Policy.BEST_EFFORT)
    for pv in A:
        machine.pvs[pv].writable = False
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.result is Result.FAILED
    assert machine.a.state.message == "Restore of 1001 failed: no PV is left to be written"
    assert counts(machine.a) == {"total": 3, "failed": 3}


async def test_what_the_rules_leave_out_is_named_and_no_failure() -> None:
    members = [Member("A:1"), Member("A:2"), Member("A:3"), Member("A:4", mode=Mode.READ_ONLY), Member("A:5")]
    machine = Machine({"A": [*members, Member("A:6", invalid=OnInvalid.WRITE)]})
    machine.pvs["A:1"].severity = machine.pvs["A:6"].severity = 3
    machine.pvs["A:2"].reason = Reason.NO_ANSWER
    machine.pvs["A:3"].__dict__ |= {"dbr_type": DbrType.STRING, "value": b"x" * 39, "flags": Flag.CUT}
    await machine.saved()
    machine.pvs["A:2"].reason = Reason.OK
    machine.move(_5=50.0, _6=60.0)
    assert await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert (state.result, machine.channels.written) == (Result.SUCCESS, ["A:5", "A:6"])
    assert counts(machine.a) == {"total": 6, "done": 2, "skipped": 4, "invalid": 1}
    left_out = {
        "A:1": "stored with INVALID severity",
        "A:2": "missing in the snapshot: no answer in time",
        "A:3": "its text was cut when it was read",
        "A:4": "read-only member",
    }
    assert dict(state.failures) == {pv: f"left out: {why}" for pv, why in left_out.items()}
    assert machine.texts() == left_out
    assert [pv for pv, verdict in machine.verdicts().items() if verdict is PvVerdict.LEFT_OUT] == list(left_out)
    assert "; 4 left out (1 stored with INVALID severity, 1 missing in the snapshot: no answer in time, " in state.message


async def test_there_is_nothing_to_write_if_all_is_left_out() -> None:
    machine = Machine({"A": [Member("A:1"), Member("A:2")]})
    machine.pvs["A:1"].reason = Reason.DISCONNECTED
    await machine.saved()
    machine.a.inputs.set_text("filter", "A:1")
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.message == (
        "Restore of 1001 failed: there is nothing to write: 1 missing in the snapshot: disconnected, "
        "chosen 1 of 2 (filter A:1)"
    )
    assert counts(machine.a) == {"total": 1, "skipped": 1}


async def test_a_filter_chooses_what_is_checked_kept_and_written() -> None:
    machine = await moved()
    machine.pvs["A:3"].writable = False
    machine.a.inputs.set_text("filter", "A:*, !A:3")
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == ["A:1", "A:2"]
    assert [bool(ok) for ok in machine.store.snapshots[1002].readings.ok] == [True, True, False]
    assert list(machine.verdicts()) == ["A:1", "A:2"]
    assert ", chosen 2 of 3 (filter A:*, !A:3)" in machine.a.state.message
    assert (counts(machine.a), machine.a.inputs.filter) == ({"total": 2, "done": 2}, "")


@pytest.mark.parametrize(
    ("outcome", "verdict", "why"),
    [
        (Outcome.REFUSED, PvVerdict.WRITE_FAILED, "the server refused the write"),
        (Outcome.DISCONNECTED, PvVerdict.WRITE_FAILED, "disconnected while it was written"),
        (Outcome.NO_WRITE_ACCESS, PvVerdict.WRITE_FAILED, "no write access"),
        (Outcome.UNSENDABLE, PvVerdict.WRITE_FAILED, "the value could not be sent"),
        (Outcome.PENDING, PvVerdict.REJECTED, "rejected: still reads 11.0 instead of 1.0"),
    ],
)
async def test_a_write_that_fails_is_named_and_the_others_are_proved(outcome: Outcome, verdict: PvVerdict, why: str) -> None:
    machine = await moved(policy=Policy.BEST_EFFORT)
    machine.pvs["A:2"].outcome = outcome
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.failures == (("A:2", why),)
    assert machine.verdicts() == {"A:1": RESTORED, "A:2": verdict, "A:3": RESTORED}
    assert (machine.a.state.result, counts(machine.a)) == (Result.PARTIAL, {"total": 3, "done": 2, "failed": 1})
    assert "2 of 3 PVs written and read back" in machine.a.state.message


@pytest.mark.parametrize(("policy", "written"), [(Policy.STRICT, ["A:1", "A:2"]), (Policy.BEST_EFFORT, A)])
async def test_strict_stops_before_the_next_batch(policy: Policy, written: list[str]) -> None:
    machine = await moved(policy=policy, batch=1)
    machine.pvs["A:2"].outcome = Outcome.REFUSED
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == written
    stopped = [("A:3", "not written: stopped after a failed write")] if policy is Policy.STRICT else []
    assert machine.a.state.failures == (("A:2", "the server refused the write"), *stopped)
    assert machine.verdicts()["A:3"] == (NOT_WRITTEN if stopped else RESTORED)
    assert machine.a.state.failed == 1 + len(stopped)


async def test_a_restore_that_could_write_nothing_is_failed() -> None:
    machine = await moved()
    for pv in A:
        machine.pvs[pv].outcome = Outcome.REFUSED
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.result is Result.FAILED
    assert (counts(machine.a), machine.record().written) == ({"total": 3, "failed": 3}, 0)
    with pytest.raises(Refused, match="no restore of A that could be undone"):
        await machine.a.undo(OPERATOR)


@pytest.mark.parametrize("policy", Policy)
async def test_the_orders_go_one_after_the_other(policy: Policy) -> None:
    machine = await moved(
        Member("A:1", order=5), Member("A:2", order=-1, wait=True, timeout=0.01), Member("A:3", order=2), policy=policy
    )
    machine.pvs["A:2"].busy = 60.0
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == (["A:2"] if policy is Policy.STRICT else ["A:2", "A:3", "A:1"])
    assert [pv for pv, _ in machine.a.state.failures] == (A if policy is Policy.STRICT else ["A:2"])


async def test_what_cannot_be_ramped_is_written_at_once_and_said() -> None:
    machine = await moved(Member("A:1", ramp=1000.0), Member("A:2"))
    machine.move(_1=float("nan"))
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.texts() == {"A:1": "written at once: its value cannot be ramped"}


@pytest.mark.parametrize(
    ("set_rate", "asked", "rate"), [(0.0, 0.0, 0.0), (0.0, 500.0, 500.0), (800.0, 500.0, 500.0), (800.0, 9000.0, 800.0)]
)
async def test_rate_lowers_only(monkeypatch: pytest.MonkeyPatch, set_rate: float, asked: float, rate: float) -> None:
    paces: list[Pace] = []

    class Noted(Pace):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            paces.append(self)

    monkeypatch.setattr("snapioc.operations.restore.Pace", Noted)
    machine = await moved(rate=set_rate, batch=100)
    machine.a.inputs.rate = asked
    assert await machine.a.restore(1001, OPERATOR)
    assert [(pace.rate, pace.batch) for pace in paces] == [(rate, 100)]


async def test_stored_values_are_written_as_the_channel_takes_them_now() -> None:
    machine = await moved()
    machine.pvs["A:2"] = FakePv(11, DbrType.LONG)
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.channels.puts == [{"A:1": 0.0, "A:2": 1, "A:3": 2.0}]
    assert isinstance(machine.channels.puts[0]["A:2"], int)


async def test_a_client_that_goes_away_does_not_stop_it() -> None:
    machine = await moved()
    machine.channels.gate = asyncio.Event()
    client = asyncio.create_task(machine.a.restore(1001, OPERATOR))
    while machine.a.state.status is not Status.CHECKING:
        await asyncio.sleep(0)
    client.cancel()
    machine.channels.gate.set()
    while machine.a.busy:
        await asyncio.sleep(0)
    assert (machine.hold(*A), machine.a.state.result) == ([0.0, 1.0, 2.0], Result.SUCCESS)
