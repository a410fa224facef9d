"""How restores ended is told to the store, in the end."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from snapioc.model import NewRestore, RestoreEnd, RestoreRecord, StoreError
from snapioc.operations.records import Ending, Records

from .machine import Machine


async def begun(number: int) -> Machine:
    """A machine whose store knows of so many restores that have not ended."""
    machine = Machine()
    await machine.saved()
    for _ in range(number):
        await machine.store.begin_restore(NewRestore(1001, "A"), machine.a.settings.pv_set)
    return machine


def ending(restore_id: int) -> Ending:
    return Ending(restore_id, RestoreEnd("success", "all well", 3))


async def untold(machine: Machine, *restore_ids: int) -> Records:
    """Records that a store that was locked was told."""
    records = Records(machine.store)
    machine.store.fault = "the store is locked"
    for restore_id in restore_ids:
        with pytest.raises(StoreError, match="the store is locked"):
            await records.end(ending(restore_id))
    machine.store.fault = None
    return records


async def told(records: Records) -> list[str]:
    return [set_name async for set_name in records.catch_up()]


async def test_what_the_store_takes_is_not_told_again() -> None:
    machine = await begun(1)
    records = Records(machine.store)
    await records.end(ending(1))
    assert machine.store.restores[1].result == "success"
    assert await told(records) == []


async def test_a_store_that_works_again_is_told_the_oldest_first() -> None:
    machine = await begun(2)
    records = await untold(machine, 1, 2)
    assert [record.id for record in await machine.store.unfinished_restores()] == [2, 1]
    assert await told(records) == ["A", "A"]
    ended = [record.ended_at or 0.0 for record in machine.store.restores.values()]
    assert 0.0 < ended[0] < ended[1]
    assert await told(records) == []


async def test_a_store_that_still_fails_is_told_later() -> None:
    machine = await begun(1)
    records = await untold(machine, 1)
    machine.store.fault = "the disk is full"
    with pytest.raises(StoreError, match="the disk is full"):
        await told(records)
    machine.store.fault = None
    assert await told(records) == ["A"]


async def test_what_a_working_store_does_not_take_is_logged_and_given_up(caplog: pytest.LogCaptureFixture) -> None:
    machine = await begun(2)
    records = await untold(machine, 4711, 2)
    with caplog.at_level(logging.ERROR):
        assert await told(records) == ["A"]
    assert "the record of restore 4711 stays open: there is no restore 4711" in caplog.text
    assert await told(records) == []


async def test_a_record_that_was_committed_although_the_store_said_no_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = await begun(1)
    records, pv_set = Records(machine.store), machine.a.settings.pv_set
    commit = machine.store.begin_restore

    async def committed_and_lost(*args: Any) -> RestoreRecord:
        await commit(*args)
        raise StoreError("the connection was lost")

    monkeypatch.setattr("snapioc.operations.records.time.time", lambda: machine.store.clock + 0.5)
    monkeypatch.setattr(machine.store, "begin_restore", committed_and_lost)
    with pytest.raises(StoreError, match="the connection was lost"):
        await records.begin(NewRestore(1001, "A"), pv_set)
    monkeypatch.undo()
    running = await records.begin(NewRestore(1001, "A"), pv_set)
    machine.store.fault = "the disk is full"
    with pytest.raises(StoreError, match="the disk is full"):
        await told(records)
    machine.store.fault = None
    assert await told(records) == []
    # Neither what an earlier start left open nor what runs is touched.
    assert [record.id for record in await machine.store.unfinished_restores()] == [running.id, 1]
    closed = machine.store.restores[2]
    assert (closed.result, closed.written) == ("failed", 0)
    assert closed.message == "nothing was written: the store failed as the values before it were kept"
