from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from snapioc.model import NewSnapshot, StoreError
from snapioc.store import SqlStore
from tests.unit.store.material import doubles, numbered

from .conftest import ANN, url_of
from .sql import hold_lock, query

SNAPSHOT = NewSnapshot(numbered(3), doubles(np.ones(3)))


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


async def refusal(path: Path, *, migrate: bool) -> str:
    store = SqlStore(url_of(path), busy_timeout=0.1)
    with pytest.raises(StoreError) as refused:
        await store.open(migrate=migrate)
    await store.close()
    return str(refused.value)


async def test_the_command_line_never_creates_a_store(path: Path) -> None:
    assert await refusal(path, migrate=False) == f"there is no store ({path}): start the IOC once to create it"
    path.touch()
    assert (
        await refusal(path, migrate=False) == f"there is nothing in the store yet ({path}): start the IOC once to set it up"
    )
    assert contents(path.parent) == {path.name: b""}


async def test_the_command_line_changes_nothing(store: SqlStore, path: Path) -> None:
    saved = await store.save(SNAPSHOT)
    await store.close()
    before = contents(path.parent)
    await store.open(migrate=False)
    assert (await store.load(saved.id)).header == saved
    for refused in (store.save(SNAPSHOT), store.delete(saved.id, ANN), store.probe()):
        with pytest.raises(StoreError, match="opened for reading only"):
            await refused
    await store.close()
    assert contents(path.parent) == before


async def test_the_command_line_reads_what_a_running_ioc_has_just_saved(store: SqlStore, path: Path) -> None:
    other = SqlStore(url_of(path))
    await other.open(migrate=False)
    for _ in range(3):
        assert await store.save(SNAPSHOT) == await other.newest()
    await other.close()


@pytest.mark.parametrize("migrate", [True, False])
async def test_a_newer_store_is_left_alone(store: SqlStore, path: Path, migrate: bool) -> None:
    await store.close()
    query(path, "UPDATE alembic_version SET version_num = '9999'")
    before = contents(path.parent)
    expected = f"the store is of a newer snapioc ({path}, schema 9999): use that one"
    assert await refusal(path, migrate=migrate) == expected
    assert contents(path.parent) == before


@pytest.mark.parametrize("migrate", [True, False])
async def test_another_programs_database_is_left_alone(path: Path, migrate: bool) -> None:
    query(path, "CREATE TABLE mine (number INTEGER)")
    before = contents(path.parent)
    assert await refusal(path, migrate=migrate) == f"this is no store of snapioc, but another program's database ({path})"
    assert contents(path.parent) == before


@pytest.mark.parametrize("migrate", [True, False])
async def test_a_file_that_is_no_database(path: Path, migrate: bool) -> None:
    path.write_bytes(b"garbage " * 1000)
    assert await refusal(path, migrate=migrate) == f"the store is damaged ({path} is no SQLite database)"
    assert path.read_bytes() == b"garbage " * 1000


@pytest.mark.parametrize("migrate", [True, False])
async def test_a_folder_instead_of_a_file(tmp_path: Path, migrate: bool) -> None:
    assert await refusal(tmp_path, migrate=migrate) == f"the store cannot be opened ({tmp_path})"


async def test_no_folder_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "typo" / "snapshots.db"
    assert "No such file or directory" in await refusal(path, migrate=True)
    assert not path.parent.exists()


async def test_a_lock_at_the_start_is_waited_out_by_whatever_comes_next(path: Path) -> None:
    path.touch()
    lock = hold_lock(path)
    store = SqlStore(url_of(path), busy_timeout=0.1)
    for attempt in (store.open(migrate=True), store.probe(), store.open(migrate=True), store.save(SNAPSHOT)):
        with pytest.raises(StoreError, match=f"the store is locked by another program .{path}."):
            await attempt
    lock.close()
    await store.probe()
    await store.save(SNAPSHOT)
    await store.close()


async def test_opening_is_safe_to_repeat(store: SqlStore) -> None:
    saved = await store.save(SNAPSHOT)
    await asyncio.gather(*(store.open(migrate=True) for _ in range(5)), *(store.probe() for _ in range(5)))
    assert await store.newest() == saved


async def test_two_iocs_can_start_on_a_new_file_at_once(path: Path) -> None:
    path.touch()
    stores = [SqlStore(url_of(path)) for _ in range(4)]
    results = await asyncio.gather(*(store.open(migrate=True) for store in stores), return_exceptions=True)
    assert None in results
    for result, store in zip(results, stores, strict=True):
        if result is not None:
            assert "locked by another program" in str(result)
            await store.probe()
    headers = await asyncio.gather(*(store.save(SNAPSHOT) for store in stores))
    assert sorted(header.id for header in headers) == [1001, 1002, 1003, 1004]
    for store in stores:
        await store.close()


async def test_a_store_that_was_never_opened(path: Path) -> None:
    store = SqlStore(url_of(path))
    for use in (store.save(SNAPSHOT), store.probe(), store.newest()):
        with pytest.raises(StoreError, match="the store is not open"):
            await use
    await store.close()
    assert not path.exists()


async def test_close_waits_for_what_is_running(store: SqlStore) -> None:
    saves = [asyncio.create_task(store.save(SNAPSHOT)) for _ in range(5)]
    await asyncio.sleep(0.002)
    await store.close()
    done = [task for task in saves if task.done()]
    results = await asyncio.gather(*saves, return_exceptions=True)
    assert len(done) == 5
    assert all(isinstance(result, StoreError) or result.total == 3 for result in results)  # type: ignore[union-attr]
