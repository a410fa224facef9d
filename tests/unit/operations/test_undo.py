"""UNDO: what it takes back, and what it does not dare to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from snapioc.model import (
    DbrType,
    Flag,
    Member,
    Metadata,
    OnInvalid,
    Outcome,
    PvVerdict,
    Readings,
    ReadingsBuilder,
    Reason,
    Refused,
    Snapshot,
    StoreError,
)
from snapioc.operations import Policy, Result

from .fakes import FakePv
from .machine import BEFORE, OPERATOR, STORED, A, Machine, counts, moved


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks at what was written, with no pause."""
    monkeypatch.setattr("snapioc.operations.proof.PAUSES", (0.0, 0.0))


async def restored(*members: Member, **settings: object) -> Machine:
    """A machine that was moved (see there) and restored."""
    machine = await moved(*members, **settings)
    assert await machine.a.restore(1001, OPERATOR)
    return machine


async def test_undo_and_redo() -> None:
    machine = await restored()
    for values, restore_id, undo_id, title in ((BEFORE, 2, 1003, 1001), (STORED, 3, 1004, 1002), (BEFORE, 4, 1005, 1003)):
        assert await machine.a.undo(OPERATOR)
        assert machine.hold(*A) == values
        record = machine.record()
        assert (record.id, record.new.undoes, record.undo_id) == (restore_id, restore_id - 1, undo_id)
        assert (record.new.origin, record.new.set_name, record.result) == (OPERATOR, "A", "success")
        assert machine.a.undo_point == record
        assert machine.a.state.message == (
            f"Undo of the restore of {title}: 3 of 3 PVs written and read back; the values before it are in {undo_id}"
        )
        assert counts(machine.a) == {"total": 3, "done": 3}
    assert (machine.a.state.last_id, machine.a.state.undoing) == (1001, False)


async def test_there_is_nothing_to_undo_at_first() -> None:
    machine = await moved()
    with pytest.raises(Refused, match="there is no restore of A that could be undone"):
        await machine.a.undo(OPERATOR)
    assert (machine.a.state.ops, machine.a.undo_point) == (1, None)


async def test_disabled_restores_are_no_undo_either() -> None:
    machine = await restored()
    machine.plant.restore_enabled = False
    with pytest.raises(Refused, match="RESTORE_ENABLE"):
        await machine.a.undo(OPERATOR)
    machine.plant.restore_enabled, machine.plant.permit_pv = True, "PERMIT"
    machine.pvs["PERMIT"] = FakePv(0.0)
    with pytest.raises(Refused, match="PERMIT reads"):
        await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == STORED


async def test_it_ignores_the_filter_and_leaves_it() -> None:
    machine = await restored()
    machine.a.inputs.set_text("filter", "A:1")
    assert await machine.a.undo(OPERATOR)
    assert (machine.hold(*A), machine.a.inputs.filter, machine.record().new.filter) == (BEFORE, "A:1", "")
    assert "filter" not in machine.a.state.message


async def test_it_takes_back_what_was_written_and_no_more() -> None:
    machine = await moved()
    machine.a.inputs.set_text("filter", "!A:2")
    assert await machine.a.restore(1001, OPERATOR)
    machine.move(_2=50.0)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == [10.0, 50.0, 12.0]
    assert counts(machine.a) == {"total": 2, "done": 2}


MOVED = "was moved since: reads 5.0, but the restore left it at 1.0"


async def test_strict_refuses_if_a_pv_was_moved_since() -> None:
    machine = await restored()
    machine.move(_2=5.0)
    assert not await machine.a.undo(OPERATOR)
    state = machine.a.state
    assert machine.hold(*A) == [0.0, 5.0, 2.0]
    assert (state.result, state.failures) == (Result.FAILED, (("A:2", MOVED),))
    assert (
        state.message
        == f"Undo of the restore of 1001 failed: nothing was written, as 1 PV had been moved since (A:2: {MOVED})"
    )
    assert (machine.record().new.undoes, machine.record().written) == (1, 0)
    # A refused one never replaces the undo point.
    assert machine.a.undo_point is not None
    assert machine.a.undo_point.id == 1
    machine.move(_2=1.0)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == BEFORE


async def test_best_effort_leaves_and_names_what_was_moved_since() -> None:
    machine = await restored()
    machine.move(_2=5.0)
    machine.a.inputs.policy = Policy.BEST_EFFORT
    assert not await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == [10.0, 5.0, 12.0]
    assert (machine.a.state.result, machine.a.state.failures) == (Result.PARTIAL, (("A:2", MOVED),))
    assert machine.verdicts()["A:2"] is PvVerdict.CANNOT
    assert counts(machine.a) == {"total": 3, "done": 2, "failed": 1}
    # The redo is of what was undone.
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == [0.0, 5.0, 2.0]


async def test_best_effort_of_which_all_was_moved_is_failed() -> None:
    machine = await restored(policy=Policy.BEST_EFFORT)
    machine.move(_1=5.0, _2=5.0, _3=5.0)
    assert not await machine.a.undo(OPERATOR)
    assert (machine.a.state.result, machine.hold(*A)) == (Result.FAILED, [5.0] * 3)
    assert machine.a.state.message == "Undo of the restore of 1001 failed: no PV is left to be written"


async def test_what_holds_its_old_value_already_was_not_moved_by_anybody_who_would_mind() -> None:
    machine = await restored()
    machine.move(_2=11.0)
    assert await machine.a.undo(OPERATOR)
    assert (machine.hold(*A), counts(machine.a)) == (BEFORE, {"total": 3, "done": 3, "unchanged": 1})
    assert machine.channels.written == [*A, "A:1", "A:3"]


async def test_all_taken_back_by_hand_is_a_success_and_no_new_undo_point() -> None:
    machine = await restored()
    machine.move(_1=10.0, _2=11.0, _3=12.0)
    assert await machine.a.undo(OPERATOR)
    assert "nothing was to be written, 3 PVs held their values already" in machine.a.state.message
    assert machine.a.undo_point is not None
    assert machine.a.undo_point.id == 1


async def test_a_correction_within_the_tolerance_is_one_too() -> None:
    machine = await restored(Member("A:1"), Member("A:2", abs_tol=0.5))
    machine.move(_2=1.25)
    assert not await machine.a.undo(OPERATOR)
    assert machine.hold("A:1", "A:2") == [0.0, 1.25]


async def test_it_is_bit_for_bit_and_not_within_the_tolerance() -> None:
    machine = await restored(Member("A:1"), Member("A:2", abs_tol=50.0))
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1", "A:2") == [10.0, 11.0]
    machine.at("read", 2, lambda: machine.move(_2=1.0 + 1e-9))
    assert not await machine.a.undo(OPERATOR)
    assert machine.a.state.failures == (("A:2", "reads 1.000000001 instead of 1.0"),)


def clamp(machine: Machine) -> None:
    machine.pvs["A:2"].__dict__ |= {"clamps": True, "low": 5.0, "high": 20.0}


def dies(machine: Machine) -> None:
    machine.pvs["A:2"].__dict__ |= {"value": 3.0, "outcome": Outcome.DISCONNECTED}


def comes_back(machine: Machine) -> None:
    machine.pvs["A:2"].outcome = Outcome.DONE


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize(("spoil", "left"), [(clamp, 5.0), (dies, 3.0)])
async def test_a_value_that_the_record_changed_is_taken_back_too(
    spoil: Callable[[Machine], None], left: float, policy: Policy, verify: bool
) -> None:
    machine = await moved(policy=policy, verify=verify)
    machine.at("write", 1, lambda: spoil(machine))
    assert await machine.a.restore(1001, OPERATOR) == (spoil is clamp and not verify)
    assert machine.hold(*A) == [0.0, left, 2.0]
    after = machine.record().after_id
    assert after is not None
    assert [machine.store.snapshots[after].readings.value(row) for row in range(3)] == [None, left, None]
    comes_back(machine)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == BEFORE


async def test_a_late_value_that_has_arrived_since_was_not_moved_by_anybody() -> None:
    machine = await moved()
    machine.pvs["A:2"].stuck = True
    assert not await machine.a.restore(1001, OPERATOR)
    machine.pvs["A:2"].stuck = False
    machine.move(_2=1.0)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == BEFORE


async def test_invalid_present_values_are_put_back() -> None:
    machine = await moved(Member("A:1"), Member("A:2", invalid=OnInvalid.SKIP))
    machine.pvs["A:2"].severity = 3
    machine.at("write", 1, lambda: setattr(machine.pvs["A:2"], "severity", 0))
    assert await machine.a.restore(1001, OPERATOR)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1", "A:2") == [10.0, 11.0]
    assert counts(machine.a) == {"total": 2, "done": 2, "invalid": 1}


async def test_members_marked_always_are_written_by_undo_too() -> None:
    machine = await moved(Member("A:1"), Member("A:2", always=True))
    machine.move(_2=1.0)
    assert await machine.a.restore(1001, OPERATOR)
    assert await machine.a.undo(OPERATOR)
    assert machine.channels.puts == [{"A:1": 0.0, "A:2": 1.0}, {"A:1": 10.0, "A:2": 1.0}]


async def test_it_is_checked_as_a_restore_is() -> None:
    machine = await restored()
    machine.pvs["A:2.DISP"] = FakePv(1, DbrType.CHAR)
    assert not await machine.a.undo(OPERATOR)
    assert machine.a.state.failures == (("A:2", "its record refuses puts (DISP is 1)"),)
    assert machine.hold(*A) == STORED


@pytest.mark.parametrize(
    ("dbr_type", "old", "new"),
    [
        (DbrType.DOUBLE, -0.0, 0.0),
        (DbrType.FLOAT, 0.5, float("inf")),
        (DbrType.LONG, -(2**31), 2**31 - 1),
        (DbrType.CHAR, 255, 0),
        (DbrType.ENUM, 0, 3),
        (DbrType.STRING, b"", b"text"),
        (DbrType.STRING, b"x" * 300, b"y" * 300),
    ],
)
async def test_any_type_comes_back(dbr_type: DbrType, old: float | bytes, new: float | bytes) -> None:
    machine = Machine({"A": [Member("A:1")]})
    flags = Flag.LONG if isinstance(new, bytes) and len(new) > 40 else Flag.NONE
    machine.pvs["A:1"] = FakePv(new, dbr_type, flags=flags)
    await machine.saved()
    machine.move(_1=old)
    for want in (new, old, new):
        act = machine.a.restore(1001, OPERATOR) if machine.channels.puts == [] else machine.a.undo(OPERATOR)
        assert await act
        assert str(machine.hold("A:1")) == str([want])


async def test_an_undo_that_was_aborted_half_way_is_taken_back_itself() -> None:
    machine = await restored(batch=1)
    machine.at("write", 2, machine.abort)
    assert not await machine.a.undo(OPERATOR)
    assert machine.a.state.message == "Undo of the restore of 1001 aborted: 2 PVs written; the values before it are in 1003"
    assert machine.hold(*A) == [10.0, 11.0, 2.0]
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == STORED
    assert machine.record().new.undoes == 2


async def test_what_lies_between_is_not_taken_back_twice() -> None:
    """A restore that wrote nothing, a failed one, and saves stand between a restore and its UNDO."""
    machine = await restored()
    assert await machine.a.restore(1001, OPERATOR)
    machine.pvs["A:1"].writable = False
    assert not await machine.a.restore(1001, OPERATOR)
    machine.pvs["A:1"].writable = True
    await machine.saved()
    assert len(machine.store.restores) == 3
    assert await machine.a.undo(OPERATOR)
    assert (machine.hold(*A), machine.record().new.undoes) == (BEFORE, 1)


async def test_a_restore_of_another_set_that_shares_a_pv_has_moved_it() -> None:
    machine = await moved()
    snapshot = await machine.saved("B")
    assert await machine.a.restore(1001, OPERATOR)
    assert await machine.groups["B"].restore(snapshot, OPERATOR)
    assert machine.hold("A:3") == [12.0]
    machine.move(_3=30.0)
    assert not await machine.a.undo(OPERATOR)
    assert [pv for pv, _ in machine.a.state.failures] == ["A:3"]
    # Taken back in the reverse order, each undo finds what its restore has left.
    machine.move(_3=12.0)
    assert await machine.groups["B"].undo(OPERATOR)
    assert machine.hold("A:3") == [2.0]
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == BEFORE


async def test_the_console_takes_back_the_restore_of_the_set_in_set() -> None:
    machine = await moved()
    snapshot = await machine.saved("B")
    machine.pvs["B:1"].value = 33.0
    machine.console.choose("B")
    # A restore by id is of the snapshot's set, whatever SET says, and so is its undo point.
    assert await machine.console.restore(1001, OPERATOR)
    with pytest.raises(Refused, match="what was restored here last is A, but SET is B"):
        await machine.console.undo(OPERATOR)
    machine.console.inputs.set_text("filter", "B:1")
    assert await machine.console.restore(snapshot, OPERATOR)
    assert (machine.hold(*A, "B:1"), machine.console.undo_point) == ([*STORED, 3.0], machine.record())
    assert await machine.console.undo(OPERATOR)
    assert machine.hold(*A, "B:1") == [*STORED, 33.0]
    machine.console.choose("A")
    assert await machine.console.undo(OPERATOR)
    assert machine.hold(*A, "B:1") == [*BEFORE, 33.0]


async def test_a_group_takes_back_what_the_console_restored() -> None:
    machine = await moved()
    assert await machine.console.restore(1001, OPERATOR)
    assert machine.a.undo_point == machine.record()
    assert await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == BEFORE


class Labelled(Machine):
    """A:1 is an enum, whose labels are in `labels`."""

    labels: tuple[str, ...] = ("Off", "On")

    def __init__(self) -> None:
        super().__init__({"A": [Member("A:1")]})
        self.pvs["A:1"] = FakePv(1, DbrType.ENUM)
        read, states = self.channels.read, self.channels._states

        async def labelled(*args: object) -> Readings:
            found, builder = (await read(*args)).reading(0), ReadingsBuilder(1)  # type: ignore[arg-type]
            if found.reason is Reason.OK and found.dbr_type is DbrType.ENUM:
                builder.add(0, DbrType.ENUM, found.value or 0, metadata=Metadata(labels=self.labels))
            return builder.build(1.0, 1.5)

        def known(pvs: list[str]) -> object:
            found = states(pvs)
            found.metadatas[0] = Metadata(labels=self.labels)  # type: ignore[index]
            return found

        self.channels.read, self.channels._states = labelled, known  # type: ignore[assignment, method-assign]


async def test_a_state_whose_index_moved_is_taken_back_by_its_label() -> None:
    machine = Labelled()
    await machine.saved()
    machine.move(_1=0)
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.hold("A:1") == [1]
    # The IOC comes back with its states in another order, and what was On reads 0 now.
    machine.labels = ("On", "Off")
    machine.move(_1=0)
    assert await machine.a.undo(OPERATOR)
    assert machine.hold("A:1") == [1]
    assert machine.a.state.failures == ()


async def test_what_was_restored_is_damaged_but_not_what_was_there_before(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = await restored()
    load = machine.store.load

    async def damaged(snapshot_id: int) -> Snapshot:
        if snapshot_id == 1001:
            raise StoreError("snapshot 1001 is damaged in the store")
        return await load(snapshot_id)

    monkeypatch.setattr(machine.store, "load", damaged)
    assert not await machine.a.undo(OPERATOR)
    assert machine.hold(*A) == STORED
    assert "snapshot 1001 is damaged in the store (RESTORE_ID 1002 puts the values before it back" in machine.a.state.message
    assert await machine.a.restore(1002, OPERATOR)
    assert machine.hold(*A) == BEFORE
