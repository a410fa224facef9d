"""How restores ended is told to the store, in the end."""

from __future__ import annotations

import logging

import pytest

from snapioc.model import NewRestore, RestoreEnd, StoreError
from snapioc.operations.endings import Ending, Endings

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


async def untold(machine: Machine, *restore_ids: int) -> Endings:
    """Endings that a store that was locked was told."""
    endings = Endings(machine.store)
    machine.store.fault = "the store is locked"
    for restore_id in restore_ids:
        with pytest.raises(StoreError, match="the store is locked"):
            await endings.tell(ending(restore_id))
    machine.store.fault = None
    return endings


async def told(endings: Endings) -> list[str]:
    return [set_name async for set_name in endings.tell_again()]


async def test_what_the_store_takes_is_not_told_again() -> None:
    machine = await begun(1)
    endings = Endings(machine.store)
    await endings.tell(ending(1))
    assert machine.store.restores[1].result == "success"
    assert await told(endings) == []


async def test_a_store_that_works_again_is_told_the_oldest_first() -> None:
    machine = await begun(2)
    endings = await untold(machine, 1, 2)
    assert [record.id for record in await machine.store.unfinished_restores()] == [2, 1]
    assert await told(endings) == ["A", "A"]
    ended = [record.ended_at or 0.0 for record in machine.store.restores.values()]
    assert 0.0 < ended[0] < ended[1]
    assert await told(endings) == []


async def test_a_store_that_still_fails_is_told_later() -> None:
    machine = await begun(1)
    endings = await untold(machine, 1)
    machine.store.fault = "the disk is full"
    with pytest.raises(StoreError, match="the disk is full"):
        await told(endings)
    machine.store.fault = None
    assert await told(endings) == ["A"]


async def test_what_a_working_store_does_not_take_is_logged_and_given_up(caplog: pytest.LogCaptureFixture) -> None:
    machine = await begun(2)
    endings = await untold(machine, 4711, 2)
    with caplog.at_level(logging.ERROR):
        assert await told(endings) == ["A"]
    assert "the record of restore 4711 stays open: there is no restore 4711" in caplog.text
    assert await told(endings) == []
