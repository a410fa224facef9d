"""A golden snapshot is one that the store has and does not give away: what GOLDEN_ID takes, and what it refuses."""

from __future__ import annotations

import asyncio

import pytest

from snapioc.model import GOLDEN_ID, Refused, SnapshotHeader, StoreError
from snapioc.operations.watch.settings import WatchSettings
from tests.unit.operations.machine import Machine


async def nothing() -> None:
    pass


async def place() -> tuple[Machine, WatchSettings]:
    """A machine, saved as 1001 and 1002, and what clients set of the watch over A."""
    machine = Machine()
    await machine.saved()
    await machine.saved()
    return machine, WatchSettings(machine.plant, "A", nothing)


async def test_one_that_is_deleted_at_the_same_time_is_refused() -> None:
    machine, settings = await place()
    machine.at("keep_settings", 1, machine.store.snapshots.clear)
    with pytest.raises(Refused, match="there is no snapshot 1002"):
        await settings.set_golden(1002)
    assert (settings.golden_id, machine.store.kept, machine.plant.store_fault) == (0, {}, None)


async def test_one_that_the_store_does_not_keep_is_refused_and_the_old_one_stays() -> None:
    machine, settings = await place()
    await settings.set_golden(1001)

    def locked() -> None:
        raise StoreError("the store is locked")

    for snapshot_id in (1002, 0):
        machine.at("keep_settings", 1, locked)
        with pytest.raises(Refused, match=f"GOLDEN_ID stays 1001, for {snapshot_id} cannot be kept: the store is locked"):
            await settings.set_golden(snapshot_id)
        assert (settings.golden_id, machine.store.kept) == (1001, {("A", GOLDEN_ID): "1001"})
        assert machine.plant.store_fault == "the store is locked"
    await machine.plant.settings.keep()
    assert machine.store.kept == {("A", GOLDEN_ID): "1001"}


@pytest.mark.parametrize("second", [0, 1002])
async def test_of_two_puts_the_second_counts(monkeypatch: pytest.MonkeyPatch, second: int) -> None:
    machine, settings = await place()
    header = machine.store.header

    async def slow(snapshot_id: int) -> SnapshotHeader:
        await asyncio.sleep(0.02 if snapshot_id == 1001 else 0)
        return await header(snapshot_id)

    monkeypatch.setattr(machine.store, "header", slow)
    await asyncio.gather(settings.set_golden(1001), settings.set_golden(second))
    assert (settings.golden_id, machine.store.kept) == (second, {("A", GOLDEN_ID): str(second)})


async def test_other_settings_count_before_they_are_on_disk() -> None:
    machine, told = Machine(), asyncio.Event()

    async def changed() -> None:
        told.set()

    machine.store.unlocked = asyncio.Event()
    settings = WatchSettings(machine.plant, "A", changed)
    task = asyncio.create_task(settings.set_period(2.0))
    await told.wait()
    assert (settings.period, machine.store.kept) == (2.0, {})
    machine.store.unlocked.set()
    await task
    assert machine.store.kept == {("A", "DRIFT_PERIOD"): "2.0"}
