"""SEL: one snapshot with its values, what the machine holds now, edits and deletion."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from snapioc.model import GOLDEN_ID, AuditEntry, Member, Origin, Reason, Refused, Severity, SnapError
from snapioc.operations import Console
from snapioc.operations.finding.live import UNKNOWN
from snapioc.operations.finding.selection import Selection

from ..fakes import FakePv
from ..machine import OPERATOR
from .places import Place, Seen, browsing, place, until


def of(here: Place) -> Selection:
    return here.console.browser.selection


def pvs(here: Place) -> list[str]:
    return [row.pv for row in of(here).values.rows]


def many(count: int) -> list[Member]:
    return [Member(f"A:{number:02}") for number in range(count)]


async def test_a_snapshot_with_its_values() -> None:
    async with place() as here:
        here.pvs["A:2"].severity = Severity.MINOR
        here.pvs["A:3"].reason = Reason.DISCONNECTED
        await here.filled(1, title="ready")
        assert await of(here).choose(1001)
        header = of(here).header
        assert header
        assert (header.id, header.title, header.total, header.ok) == (1001, "ready", 3, 2)
        assert [(row.pv, row.value, row.severity) for row in of(here).values.rows] == [
            ("A:1", "0.0", Severity.NO_ALARM),
            ("A:2", "1.0", Severity.MINOR),
            ("A:3", "[disconnected]", Severity.NO_ALARM),
        ]
        assert (of(here).values.count, of(here).values.page, of(here).values.pages) == (3, 1, 1)


async def test_none_is_selected_by_0() -> None:
    async with place(1) as here:
        await of(here).choose(1001)
        assert await of(here).choose(0)
        assert (of(here).header, of(here).values.rows, of(here).values.count, of(here).id) == (None, (), 0, 0)


async def test_an_unknown_one_is_refused_and_none_is_selected() -> None:
    """Whoever edits without a look at the refusal must not edit the one that was selected before."""
    async with place(1, title="old") as here:
        await of(here).choose(1001)
        with pytest.raises(Refused, match="there is no snapshot 4711"):
            await of(here).choose(4711)
        assert (of(here).id, of(here).asked, of(here).values.rows) == (0, 0, ())
        assert of(here).message == "there is no snapshot 4711"
        with pytest.raises(Refused, match="no snapshot is selected"):
            await of(here).edit(OPERATOR, title="meant for 4711")
        assert here.store.snapshots[1001].header.title == "old"
        assert await of(here).choose(1001)
        assert of(here).message == ""


async def test_a_refusal_is_told_until_a_put_is_not_refused() -> None:
    async with place(1, *many(45)) as here:
        await of(here).choose(1001)
        await of(here).refused("there is no page 9")
        here.plant.list_changed()
        assert of(here).message == "there is no page 9"
        await of(here).turn(1)
        assert of(here).message == ""


async def test_a_filter_that_chooses_nothing_is_said_so() -> None:
    async with place(1) as here:
        await of(here).choose_pvs("X:*")
        assert of(here).message == ""
        assert await of(here).choose(1001)
        assert of(here).message == "No PV matches"
        assert await of(here).choose_pvs("A:*")
        assert of(here).message == ""


async def test_when_the_store_does_not_answer_a_sentence_says_why() -> None:
    async with place(2) as here:
        await of(here).choose(1001)
        here.store.fault = "the disk is gone"
        assert not await of(here).choose(1002)
        assert of(here).message == "Snapshot 1002 cannot be shown: the disk is gone"
        assert (of(here).id, len(of(here).values.rows)) == (1001, 3)
        here.store.fault = None
        assert await of(here).choose(1002)
        assert of(here).message == ""


async def test_of_two_puts_at_once_the_last_one_wins() -> None:
    async with place(2) as here:
        here.store.gate = asyncio.Event()
        of(here).view = seen = Seen(lambda: of(here).id)
        begun, puts = len(here.store.queries), []
        for number in (1001, 1002):
            puts.append(asyncio.create_task(of(here).choose(number)))
            await here.store.is_asked(begun)
        await asyncio.sleep(0)
        here.store.gate.set()
        await asyncio.gather(*puts)
        assert set(seen.seen) == {1002}


async def test_values_are_loaded_once() -> None:
    async with place(1, *many(45)) as here:
        await of(here).choose(1001)
        await of(here).turn_to(3)
        await of(here).choose_pvs("A:1*")
        await of(here).choose(1001)
        assert here.store.queries.count(1001) == 1


async def test_pages_of_values() -> None:
    async with place(1, *many(45)) as here:
        await of(here).choose(1001)
        assert (pvs(here)[0], pvs(here)[-1], of(here).values.pages) == ("A:00", "A:19", 3)
        await of(here).turn_to(3)
        assert pvs(here) == [f"A:{number}" for number in range(40, 45)]
        await of(here).turn(1)
        assert of(here).values.page == 3
        await of(here).turn(-1)
        assert (of(here).values.page, pvs(here)[0]) == (2, "A:20")
        with pytest.raises(Refused, match="there is no page 4; the last one is 3"):
            await of(here).turn_to(4)


async def test_a_filter_chooses_pvs_and_stays_for_the_next_snapshot() -> None:
    async with place(2, *many(45)) as here:
        await of(here).choose(1001)
        await of(here).turn_to(2)
        assert await of(here).choose_pvs("A:4?,!A:42")
        assert (pvs(here), of(here).values.page) == (["A:40", "A:41", "A:43", "A:44"], 1)
        await of(here).choose(1002)
        assert of(here).values.count == 4
        await of(here).choose_pvs("B:*")
        assert (of(here).values.count, of(here).values.pages, pvs(here)) == (0, 1, [])


async def test_of_a_part_of_a_set_only_that_part_is_shown() -> None:
    async with place(1) as here:
        whole = here.store.snapshots[1001]
        part = whole.readings.select([1]).spread([1], 3)
        here.store.snapshots[1001] = replace(whole, readings=part)
        await of(here).choose(1001)
        assert pvs(here) == ["A:2"]


async def test_what_the_machine_holds_now_stands_beside() -> None:
    async with place(0, Member("A:1"), Member("A:2", abs_tol=0.5), Member("A:3", abs_tol=0.5), Member("A:4")) as here:
        await here.filled(1)
        here.pvs["A:2"].value, here.pvs["A:3"].value = 1.4, 3.0
        here.pvs["A:4"].reason = Reason.DISCONNECTED
        await of(here).choose(1001)
        live = [(value.text, value.differs) for value in of(here).values.live]
        assert live == [("0.0", False), ("1.4", False), ("3.0", True), ("[disconnected]", True)]


async def test_it_is_read_again_while_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.operations.finding.live.PERIOD", 0.01)
    async with place(1) as here:
        await of(here).choose(1001)
        here.pvs["A:1"].value = 7.0
        await until(lambda: of(here).values.live[0].text == "7.0")
        await of(here).choose(0)
        reads: list[str] = []
        here.channels.hook = reads.append
        await asyncio.sleep(0.05)
        assert len(reads) <= 1  # the one that was on its way


async def test_a_machine_that_hangs_holds_up_neither_the_values_nor_the_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.operations.finding.live.PATIENCE", 0.01)
    async with place(1) as here:
        here.channels.gate = asyncio.Event()
        assert await of(here).choose(1001)
        assert (len(of(here).values.rows), of(here).values.live) == (3, ())
        here.channels.gate.set()
        await until(lambda: len(of(here).values.live) == 3)


async def test_what_was_read_for_another_page_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.operations.finding.live.PATIENCE", 0.01)
    async with place(1, *many(45)) as here:
        here.channels.gate = asyncio.Event()
        await of(here).choose(1001)
        await of(here).turn_to(3)
        of(here).view = seen = Seen(lambda: [value.text for value in of(here).values.live])
        here.channels.gate.set()
        await until(lambda: bool(seen.seen))
        assert seen.seen[0] == ["40.0", "41.0", "42.0", "43.0", "44.0"]


async def test_a_ca_client_that_is_held_up_is_said_so() -> None:
    async with place(1) as here:

        def hook(call: str) -> None:
            raise SnapError("the CA thread does not answer")

        here.channels.hook = hook
        assert await of(here).choose(1001)
        assert of(here).values.live == (UNKNOWN,) * 3


async def test_pvs_that_no_set_has_any_more_are_connected() -> None:
    async with place(1) as here:
        snapshot = here.store.snapshots[1001]
        strange = replace(snapshot.pv_set, members=(Member("X:1"), Member("X:2"), Member("X:3")))
        here.store.snapshots[1001] = replace(snapshot, pv_set=strange)
        here.pvs["X:1"] = FakePv(9.0)
        calls: list[str] = []
        here.channels.hook = calls.append
        await of(here).choose(1001)
        assert calls[:2] == ["connect", "read"]
        assert of(here).values.live[0].text == "9.0"


async def test_every_edit_is_in_the_audit_log() -> None:
    async with place(1, title="old") as here:
        who = Origin("somebody", "desk", "OP1")
        await of(here).choose(1001)
        await of(here).edit(who, title="new")
        await of(here).edit(who, tags=("a", "b"))
        await of(here).edit(who, comment="said")
        header = of(here).header
        assert header
        assert (header.title, header.tags, header.comment) == ("new", ("a", "b"), "said")
        assert here.store.log[0] == AuditEntry(here.store.log[0].at, who, "title", "snapshot 1001", "old", "new")
        assert [entry.what for entry in here.store.log] == ["title", "tags", "comment"]
        await until(lambda: here.console.browser.list.listed.rows[0].title == "new")


async def test_without_a_selection_there_is_nothing_to_edit_or_delete() -> None:
    async with place(1) as here:
        for command in (of(here).edit(OPERATOR, title="x"), of(here).delete(1001, OPERATOR)):
            with pytest.raises(Refused, match="no snapshot is selected"):
                await command
        await of(here).delete(0, OPERATOR)
        assert 1001 in here.store.snapshots


async def test_an_edit_is_of_the_snapshot_that_was_chosen_when_it_was_put() -> None:
    """Puts of one client take effect in their order, also if it waits for none of them."""
    async with place(2) as here:
        here.store.gate = asyncio.Event()
        first = asyncio.create_task(of(here).choose(1001))
        await asyncio.sleep(0)
        edit = asyncio.create_task(of(here).edit(OPERATOR, title="of the first"))
        await asyncio.sleep(0)
        second = asyncio.create_task(of(here).choose(1002))
        await asyncio.sleep(0)
        here.store.gate.set()
        await asyncio.gather(first, edit, second)
        assert [here.store.snapshots[number].header.title for number in (1001, 1002)] == ["of the first", ""]
        assert of(here).id == 1002


async def test_an_edit_that_the_store_does_not_take_is_refused() -> None:
    async with place(1) as here:
        await of(here).choose(1001)
        here.store.fault = "the disk is full"
        with pytest.raises(Refused, match="the disk is full"):
            await of(here).edit(OPERATOR, title="x")


async def test_what_somebody_else_edited_shows() -> None:
    async with place(1) as here:
        other = Console(here.plant, "OP1")
        async with browsing(other):
            await of(here).choose(1001)
            await other.browser.selection.choose(1001)
            await other.browser.selection.edit(OPERATOR, title="theirs")
            await until(lambda: of(here).header is not None and of(here).header.title == "theirs")


async def test_deleting_takes_the_id_once_more() -> None:
    async with place(2) as here:
        await of(here).choose(1001)
        with pytest.raises(Refused, match="1002 is not the selected snapshot, which is 1001"):
            await of(here).delete(1002, OPERATOR)
        await of(here).delete(1001, OPERATOR)
        assert sorted(here.store.snapshots) == [1002]
        assert (of(here).id, of(here).asked, of(here).values.rows) == (0, 0, ())
        assert of(here).message == "Snapshot 1001 was deleted"
        assert [header.id for header in here.console.browser.list.listed.rows] == [1002]


async def test_a_deleted_one_is_the_newest_no_more() -> None:
    async with place(0) as here:
        for _ in range(2):
            await here.a.trigger(Origin("somebody", "desk", "A"))
        first, second = 1001, 1002
        assert (here.a.state.last_id, here.plant.newest and here.plant.newest.id) == (second, second)
        for gone, left in ((second, first), (first, 0)):
            await of(here).choose(gone)
            await of(here).delete(gone, OPERATOR)
            assert here.a.state.last_id == left
            assert (here.plant.newest.id if here.plant.newest else 0) == left


async def test_a_golden_one_stays_and_the_refusal_says_why() -> None:
    async with place(1) as here:
        here.store.kept["A", GOLDEN_ID] = "1001"
        await of(here).choose(1001)
        with pytest.raises(Refused, match="1001 cannot be deleted: it is the golden one of set A"):
            await of(here).delete(1001, OPERATOR)
        assert of(here).id == 1001


async def test_that_of_a_set_that_is_configured_no_more_is_not_golden() -> None:
    async with place(1) as here:
        await here.plant.settings.commit("A", GOLDEN_ID, "1001")
        here.store.sets = ("B",)
        del here.plant.sets["A"]
        await of(here).choose(1001)
        assert not of(here).is_golden
        await of(here).delete(1001, OPERATOR)
        assert here.store.snapshots == {}


async def test_other_consoles_learn_that_it_was_deleted() -> None:
    async with place(2) as here:
        other = Console(here.plant, "OP1")
        async with browsing(other):
            await other.browser.selection.choose(1001)
            await of(here).choose(1001)
            await of(here).delete(1001, OPERATOR)
            await until(lambda: other.browser.selection.id == 0)
            assert other.browser.selection.message == "Snapshot 1001 was deleted by somebody"


async def test_golden_is_told() -> None:
    async with place(2) as here:
        await of(here).choose(1001)
        assert not of(here).is_golden
        await here.plant.settings.commit("A", GOLDEN_ID, "1001")
        assert of(here).is_golden
        await here.plant.settings.commit("A", GOLDEN_ID, "1002")
        assert not of(here).is_golden


async def test_a_severity_beyond_what_is_known_is_invalid() -> None:
    async with place(1) as here:
        snapshot = here.store.snapshots[1001]
        readings = replace(snapshot.readings, severity=np.array([9, 0, 0], np.uint16))
        here.store.snapshots[1001] = replace(snapshot, readings=readings)
        await of(here).choose(1001)
        assert of(here).values.rows[0].severity is Severity.INVALID
