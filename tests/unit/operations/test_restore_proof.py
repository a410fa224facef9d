"""What a restore says of the values that it reads back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from snapioc.model import DbrType, Member, Outcome, PvVerdict, Reason
from snapioc.operations import Policy, Result

from .fakes import FakePv
from .machine import OPERATOR, Machine, counts, later, moved, spoilt

RESTORED = PvVerdict.RESTORED
READBACK = "written, but its readback A:RB "


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks at what was written, with no pause."""
    monkeypatch.setattr("snapioc.operations.proof.PAUSES", (0.0, 0.0))
    monkeypatch.setattr("snapioc.operations.proof.LOOK", 0.0)


async def test_without_verify_nothing_is_proved_and_a_write_that_is_not_done_has_failed() -> None:
    machine = await moved(verify=False)
    machine.pvs["A:1"].stuck = True
    machine.pvs["A:2"].outcome = Outcome.PENDING
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.failures == (("A:2", "late: not done in time"),)
    assert machine.verdicts() == {"A:1": PvVerdict.UNCHECKED, "A:2": PvVerdict.LATE, "A:3": PvVerdict.UNCHECKED}
    assert "Restore of 1001: 2 of 3 PVs written;" in machine.a.state.message


@pytest.mark.parametrize(
    ("spoil", "verdict", "why"),
    [
        (later("write", 1, low=5.0, high=20.0, clamps=True), PvVerdict.CLAMPED, "clamped: reads 5.0 instead of 1.0"),
        (later("write", 1, low=-5.0, high=0.5, clamps=True), PvVerdict.CLAMPED, "clamped: reads 0.5 instead of 1.0"),
        (spoilt(stuck=True), PvVerdict.REJECTED, "rejected: still reads 11.0 instead of 1.0"),
        (later("read", 2, value=7.0), PvVerdict.DIFFERENT, "reads 7.0 instead of 1.0"),
        (later("read", 2, reason=Reason.DISCONNECTED), PvVerdict.DIFFERENT, "could not be read back: disconnected"),
        (
            later("write", 1, stuck=True, dbr_type=DbrType.STRING, value=b"?"),
            PvVerdict.DIFFERENT,
            'reads "?" instead of 1.0',
        ),
    ],
)
async def test_what_does_not_hold_its_value_has_its_word(
    spoil: Callable[[Machine], None], verdict: PvVerdict, why: str
) -> None:
    machine = await moved()
    spoil(machine)
    assert not await machine.a.restore(1001, OPERATOR)
    assert (machine.a.state.result, machine.a.state.failures) == (Result.PARTIAL, (("A:2", why),))
    assert machine.verdicts() == {"A:1": RESTORED, "A:2": verdict, "A:3": RESTORED}
    assert machine.texts() == {"A:2": why}
    assert counts(machine.a) == {"total": 3, "done": 2, "failed": 1}
    after = await machine.store.load(machine.record().after_id or 0)
    assert after.readings.ok.tolist() == [False, "read back" not in why, False]


async def test_a_value_that_takes_a_moment_is_read_again() -> None:
    machine = await moved()
    machine.pvs["A:2"].stuck = True
    machine.at("read", 3, lambda: machine.move(_2=1.0))
    assert await machine.a.restore(1001, OPERATOR)
    assert (machine.verdicts()["A:2"], machine.record().after_id) == (RESTORED, None)


async def test_a_value_within_its_tolerance_is_restored_and_what_it_is_is_kept() -> None:
    machine = await moved(Member("A:1"), Member("A:2", abs_tol=0.1))
    machine.at("read", 2, lambda: machine.move(_2=1.0625))
    assert await machine.a.restore(1001, OPERATOR)
    left = machine.store.snapshots[machine.record().after_id or 0].readings
    assert [left.value(row) for row in range(2)] == [None, 1.0625]


@pytest.mark.parametrize(
    ("tolerance", "stored", "now", "why"),
    [
        (0.5, FakePv(1.0), FakePv(1.25), None),
        (0.5, FakePv(1.0), FakePv(9.0), READBACK + "reads 9.0 instead of 1.0"),
        (0.5, FakePv(1.0), FakePv(reason=Reason.DISCONNECTED), READBACK + "could not be read back: disconnected"),
        (0.5, FakePv(reason=Reason.NO_ANSWER), FakePv(9.0), None),
        # A float never reads the same twice; an integer does.
        (0.0, FakePv(1.0), FakePv(9.0), None),
        (0.0, FakePv(1, DbrType.LONG), FakePv(1, DbrType.LONG), None),
        (0.0, FakePv(1, DbrType.LONG), FakePv(2, DbrType.LONG), READBACK + "reads 2 instead of 1"),
    ],
)
async def test_readbacks(tolerance: float, stored: FakePv, now: FakePv, why: str | None) -> None:
    machine = Machine({"A": [Member("A:1"), Member("A:2", readback="A:RB", abs_tol=tolerance)]})
    machine.pvs["A:RB"] = stored
    await machine.saved()
    machine.pvs["A:RB"] = now
    machine.move(_1=10.0, _2=11.0)
    assert await machine.a.restore(1001, OPERATOR) == (why is None)
    assert machine.a.state.failures == ((("A:2", why),) if why else ())
    assert machine.verdicts() == {"A:1": RESTORED, "A:2": PvVerdict.READBACK_OFF if why else RESTORED}
    assert machine.channels.written == ["A:1", "A:2"]


@pytest.mark.parametrize(("settle", "arrives"), [(60.0, 6), (0.0, None)])
async def test_readbacks_have_their_time_to_settle(settle: float, arrives: int | None) -> None:
    machine = Machine({"A": [Member("A:1", readback="A:RB", abs_tol=0.1)]}, settle=settle)
    await machine.saved()
    machine.pvs["A:RB"].value = 50.0
    machine.move(_1=10.0)
    reads: list[str] = []
    machine.at("read", arrives or -1, lambda: machine.pvs["A:RB"].__dict__.update(value=1.0))
    hook = machine.channels.hook

    def note(call: str) -> None:
        reads.append(call)
        hook(call)

    machine.channels.hook = note
    assert await machine.a.restore(1001, OPERATOR) == (settle > 0)
    assert reads.count("read") == (arrives or 3)


async def test_a_wait_that_is_late_has_failed_although_it_was_written() -> None:
    machine = await moved(Member("A:1"), Member("A:2", wait=True, timeout=0.01), policy=Policy.BEST_EFFORT)
    machine.pvs["A:2"].busy = 60.0
    assert not await machine.a.restore(1001, OPERATOR)
    assert machine.a.state.failures == (("A:2", "late: not done in time"),)
    assert machine.verdicts() == {"A:1": RESTORED, "A:2": PvVerdict.LATE}
    assert (machine.record().written, machine.record().after_id) == (2, None)
    machine.pvs["A:2"].busy = 0.0
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1", "A:2") == [10.0, 11.0]
