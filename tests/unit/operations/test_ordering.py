"""What a restore is asked to write, and what is refused before it begins."""

from __future__ import annotations

import pytest

from snapioc.model import Member, Mode, PvSet, Reason, Refused, Severity
from snapioc.operations import Result, SetSettings

from .machine import OPERATOR, A, Machine, counts, moved


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look at what was written, with no pause."""
    monkeypatch.setattr("snapioc.operations.proof.PAUSES", (0.0,))


@pytest.mark.parametrize(
    ("filter_text", "why"),
    [
        (",", "the filter ',' cannot be used: it names no PV (snapshot 1001)"),
        (" ", "the filter ' ' cannot be used: it names no PV (snapshot 1001)"),
        ("A:*,!", "the filter 'A:*,!' cannot be used: its part '!' excludes nothing (snapshot 1001)"),
        ("!A:4*", "the filter '!A:4*' cannot be used: its part '!A:4*' excludes no PV (snapshot 1001)"),
        ("A:4*", "the filter 'A:4*' matches no PV of snapshot 1001"),
        ("!*", "the filter '!*' matches no PV of snapshot 1001"),
    ],
)
async def test_a_filter_that_would_not_do_what_it_says_is_refused(filter_text: str, why: str) -> None:
    machine = await moved()
    before = machine.hold()
    machine.a.inputs.set_text("filter", filter_text)
    for command in (machine.a.preview, machine.a.restore):
        with pytest.raises(Refused) as refused:
            await command(1001, OPERATOR)
        assert str(refused.value) == why
    assert (machine.hold(), machine.channels.puts, machine.a.state.ops) == (before, [], 1)


async def test_a_name_with_brackets_is_chosen_as_it_is() -> None:
    machine = await moved(Member("A:[1]"), Member("A:1"))
    machine.a.inputs.set_text("filter", "A:[1]")
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == ["A:[1]"]
    machine.move(**{"_[1]": 7.0, "_1": 7.0})
    machine.a.inputs.set_text("filter", "!A:[1]")
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.channels.written == ["A:[1]", "A:1"]


def configured(machine: Machine, *members: Member) -> None:
    """The IOC was started again with this list of the set A."""
    machine.a._settings = machine.plant.sets["A"] = SetSettings(PvSet("A", members))


async def test_what_is_read_only_by_now_is_left_alone() -> None:
    machine = await moved()
    configured(machine, Member("A:2", mode=Mode.READ_ONLY), Member("A:3.VAL", mode=Mode.READ_ONLY), Member("A:9"))
    assert await machine.a.preview(1001, OPERATOR)
    assert await machine.a.restore(1001, OPERATOR)
    state = machine.a.state
    assert (machine.channels.written, machine.hold(*A)) == (["A:1"], [0.0, 11.0, 12.0])
    assert counts(machine.a) == {"total": 3, "done": 1, "skipped": 2}
    why = "left out: read-only in the set's list of now"
    assert state.failures == (("A:2", why), ("A:3", why))
    assert "2 left out (2 read-only in the set's list of now)" in state.message


async def test_a_snapshot_of_a_set_that_is_configured_no_more_is_restored_by_its_own_list() -> None:
    machine = await moved()
    del machine.plant.sets["A"]
    assert await machine.console.restore(1001, OPERATOR)
    assert machine.channels.written == A


async def test_the_values_before_a_restore_are_written_whatever_their_severity() -> None:
    machine = await moved()
    machine.pvs["A:2"].severity = Severity.INVALID
    machine.at("write", 1, lambda: setattr(machine.pvs["A:2"], "severity", Severity.NO_ALARM))
    assert await machine.a.restore(1001, OPERATOR)
    assert machine.record().undo_id == 1002
    assert await machine.a.restore(1002, OPERATOR)
    assert machine.hold(*A) == [10.0, 11.0, 12.0]
    assert (machine.a.state.result, machine.a.state.skipped, machine.a.state.invalid) == (Result.SUCCESS, 0, 1)


async def test_a_saved_snapshot_leaves_invalid_values_alone() -> None:
    machine = await moved()
    machine.pvs["A:2"].severity = Severity.INVALID
    await machine.saved()
    machine.move(_1=5.0, _2=5.0, _3=5.0)
    assert await machine.a.restore(1002, OPERATOR)
    assert machine.hold(*A) == [10.0, 5.0, 12.0]
    assert machine.a.state.failures == (("A:2", "left out: stored with INVALID severity"),)


async def test_what_could_not_be_read_before_is_left_out() -> None:
    machine = await moved()
    machine.pvs["A:2"].reason = Reason.DISCONNECTED
    await machine.saved()
    machine.pvs["A:2"].reason = Reason.OK
    assert await machine.a.restore(1002, OPERATOR)
    assert machine.a.state.failures == (("A:2", "left out: missing in the snapshot: disconnected"),)
