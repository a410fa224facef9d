"""What clients set while another program holds the store's lock."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from snapioc.model import StoreError
from snapioc.operations.settings import Settings
from snapioc.store import SqlStore

from .conftest import url_of
from .sql import hold_lock, query
from .test_deletion import noise

ON_DISK = "SELECT name, value FROM setting"


class Told:
    def __init__(self) -> None:
        self.fault = ""
        self.told = asyncio.Event()

    async def __call__(self, fault: StoreError) -> None:
        self.fault = str(fault)
        self.told.set()


async def test_a_setting_counts_and_comes_to_the_disk_later(store: SqlStore, path: Path) -> None:
    told, lock = Told(), hold_lock(path)
    settings = Settings(store, told)
    settings.change("A", "ARM", "0")
    assert settings.get("A", "ARM") == "0"
    await settings.kept()
    await told.told.wait()
    assert "the store is locked by another" in told.fault
    lock.close()
    await settings.keep()
    assert query(path, ON_DISK) == [("ARM", "0")]
    await settings.close()


async def test_nobody_waits_for_the_lock_and_the_end_does_not_either(path: Path) -> None:
    store = SqlStore(url_of(path), busy_timeout=60.0)
    await store.open(migrate=True)
    settings, lock = Settings(store, Told()), hold_lock(path)
    async with asyncio.timeout(30):
        settings.change("A", "ARM", "0")
        await settings.kept()
        await settings.close()
    assert len(asyncio.all_tasks()) == 1
    lock.close()
    await store.close()


async def test_a_golden_snapshot_counts_on_disk_only(store: SqlStore, path: Path) -> None:
    settings = Settings(store, Told())
    golden, other = await store.save(noise(0, 3)), await store.save(noise(1, 3))
    await settings.commit("SR", "GOLDEN_ID", str(golden.id))
    lock = hold_lock(path)
    with pytest.raises(StoreError, match="the store is locked by another"):
        await settings.commit("SR", "GOLDEN_ID", str(other.id))
    lock.close()
    await settings.keep()
    assert settings.get("SR", "GOLDEN_ID") == str(golden.id)
    assert query(path, ON_DISK) == [("GOLDEN_ID", str(golden.id))]
    await settings.close()
