"""The store fails: every operation says why in a sentence, nothing hangs, and it works again when the cause is gone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from snapioc.model import NewSnapshot, StoreError
from snapioc.store import SqlStore, sqlite
from tests.unit.store.material import assert_same, doubles, numbered, random_bits

from .conftest import ANN, url_of
from .sql import hold_lock, query


def noise(seed: int = 0, count: int = 3000) -> NewSnapshot:
    return NewSnapshot(numbered(count), doubles(random_bits(count, seed), seed=seed))


@pytest.fixture
async def used(store: SqlStore) -> AsyncIterator[SqlStore]:
    """A store that has a snapshot, and connections in its pool."""
    await store.save(noise())
    yield store


async def fails(*attempts: Any, match: str) -> None:
    for attempt in attempts:
        with pytest.raises(StoreError, match=match):
            await attempt


async def works(store: SqlStore, expected_id: int) -> None:
    """Probe, save and load; the first snapshot is still there."""
    await store.probe()
    saved = await store.save(noise(9))
    assert saved.id == expected_id
    assert_same((await store.load(saved.id)).readings, noise(9).readings)
    assert_same((await store.load(1001)).readings, noise().readings)


async def test_locked_by_another_program(used: SqlStore, path: Path) -> None:
    lock = hold_lock(path)
    await fails(
        used.save(noise(1)), used.probe(), used.delete(1001, ANN), match=f"^the store is locked by another .* .{path}.$"
    )
    assert_same((await used.load(1001)).readings, noise().readings)  # reading needs no lock
    lock.close()
    await works(used, 1002)


async def test_a_lock_that_goes_in_time_is_no_failure(path: Path) -> None:
    store = SqlStore(url_of(path), busy_timeout=30)
    await store.open(migrate=True)
    lock = hold_lock(path)
    saving = asyncio.create_task(store.save(noise()))
    await asyncio.sleep(0.2)
    assert not saving.done()
    lock.close()
    assert (await saving).id == 1001
    await store.close()


@contextmanager
def full(path: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Within this no connection can make the file any longer."""
    pages = query(path, "PRAGMA page_count")[0][0]

    def limit(connection: Any, *_: Any) -> None:
        connection.cursor().execute(f"PRAGMA max_page_count={pages}")

    event.listen(Pool, "checkout", limit)
    request.addfinalizer(lambda: event.remove(Pool, "checkout", limit))
    yield
    pages = 2**30


async def test_full(used: SqlStore, path: Path, request: pytest.FixtureRequest) -> None:
    with full(path, request):
        await fails(used.save(noise(1)), used.probe(), used.save(noise(2)), match=f"^the store is full .{path}.$")
        assert len(await used.headers()) == 1
    await works(used, 1002)


async def test_a_disk_with_hardly_any_space_is_full(used: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sqlite, "SPARE_BYTES", shutil.disk_usage("/").total * 1000)
        await fails(used.probe(), match="^the store is full .*its disk has less than")
    await works(used, 1002)


async def test_read_only(used: SqlStore, path: Path) -> None:
    await used.close()
    reading = SqlStore(f"sqlite:///file:{path}?mode=ro&uri=true", busy_timeout=0.2)
    await fails(
        reading.open(migrate=True), reading.save(noise(1)), reading.probe(), match=f"^the store is read-only .{path}.$"
    )
    await reading.close()
    await used.open(migrate=True)
    await works(used, 1002)


def damage(path: Path) -> None:
    """Overwrite all pages in place: what a broken disk, or a careless copy, does."""
    with path.open("r+b") as file:
        file.write(b"garbage!" * (path.stat().st_size // 8))


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(5000)


@pytest.mark.parametrize("harm", [damage, truncate])
async def test_damaged_in_place_and_repaired(used: SqlStore, path: Path, harm: Callable[[Path], None]) -> None:
    await used.close()
    backup = path.with_suffix(".backup")
    shutil.copyfile(path, backup)
    await used.open(migrate=True)
    harm(path)
    await fails(used.load(1001), used.save(noise(1)), used.probe(), match="^the store is damaged")
    await used.close()
    path.unlink()
    shutil.copyfile(backup, path)
    await used.open(migrate=True)
    await works(used, 1002)


async def test_replaced_by_garbage_and_put_back(used: SqlStore, path: Path) -> None:
    away = path.parent / "away"
    away.mkdir()
    files = [each.rename(away / each.name) for each in path.parent.glob("snapshots.db*")]
    assert len(files) == 3
    path.write_bytes(b"garbage " * 1000)
    await fails(
        used.save(noise(1)), used.probe(), used.load(1001), match=f"^the store is damaged .{path} is no SQLite database.$"
    )
    assert path.read_bytes() == b"garbage " * 1000
    path.unlink()
    for each in files:
        each.rename(path.parent / each.name)
    await works(used, 1002)


async def test_removed_is_not_created_again(used: SqlStore, path: Path) -> None:
    path.unlink()
    removed = f"^the store was removed .{path}.: put it back, or restart the IOC"
    await fails(used.save(noise(1)), used.probe(), used.open(migrate=True), used.load(1001), match=removed)
    assert not path.exists()


async def test_moved_away_and_put_back(used: SqlStore, path: Path) -> None:
    away = path.with_suffix(".away")
    path.rename(away)
    await fails(used.save(noise(1)), match="^the store was removed")
    await fails(used.load(1001), match="^the store was removed")
    away.rename(path)
    await works(used, 1002)


async def test_its_folder_moved_away_and_put_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    store = SqlStore(url_of(folder / "snapshots.db"))
    await store.open(migrate=True)
    await store.save(noise())
    folder.rename(tmp_path / "away")
    await fails(store.save(noise(1)), store.probe(), match="^the store was removed")
    folder.mkdir()
    await fails(store.save(noise(1)), store.probe(), match="^the store was removed")
    folder.rmdir()
    (tmp_path / "away").rename(folder)
    await works(store, 1002)
    await store.close()


def remove_log(path: Path) -> None:
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink()


async def test_replaced_by_another_store(used: SqlStore, path: Path, tmp_path: Path) -> None:
    other_path = tmp_path / "other.db"
    other = SqlStore(url_of(other_path))
    await other.open(migrate=True)
    for seed in range(3):
        await other.save(NewSnapshot(numbered(5, "OTHER"), doubles(np.full(5, float(seed)))))
    await other.close()
    other_path.replace(path)
    before = path.read_bytes()
    await fails(
        used.save(noise(1)), used.probe(), used.load(1001), match="^the store was replaced .*-wal is still of the old one"
    )
    assert path.read_bytes() == before
    remove_log(path)
    saved = await used.save(noise(1))
    assert saved.id == 1004
    assert [header.set_name for header in await used.headers()] == ["SR", "OTHER", "OTHER", "OTHER"]
    assert_same((await used.load(1004)).readings, noise(1).readings)


async def test_replaced_by_an_empty_file(used: SqlStore, path: Path) -> None:
    path.unlink()
    path.touch()
    await fails(used.save(noise(1)), used.probe(), match="^the store was replaced .*-wal is still of the old one")
    remove_log(path)
    await fails(used.save(noise(1)), used.probe(), match="^there is nothing in the store yet")


async def test_removed_during_the_commit(used: SqlStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def remove(*_: Any) -> None:
        path.unlink(missing_ok=True)

    database = used._database
    assert database
    event.listen(database._engine.sync_engine, "commit", remove)
    await fails(used.save(noise(1)), match="^the store was removed or replaced")


@pytest.mark.parametrize("part", range(1, 7))
async def test_a_damaged_block_names_the_snapshot(used: SqlStore, path: Path, part: int) -> None:
    await used.save(noise(1))
    of_this = f"(SELECT block_id FROM snapshot_block WHERE snapshot_id = 1002 AND part = {part} AND first_slot = 1024)"
    query(path, f"UPDATE block SET data = CAST(substr(data, 1, 9) || x'ff00ff' AS BLOB) WHERE id = {of_this}")
    await fails(used.load(1002), match="^snapshot 1002 is damaged in the store: a block cannot be unpacked")
    await fails(used.history(numbered(1100).pvs[-1], 5, "SR"), match="^the history of SR:C010:MAG99:SETPOINT is damaged")


async def test_a_lost_block_names_the_snapshot(used: SqlStore, path: Path) -> None:
    query(path, "DELETE FROM snapshot_block WHERE snapshot_id = 1001 AND part = 1 AND first_slot = 1024")
    await fails(
        used.load(1001), match="^snapshot 1001 is damaged in the store: the BITS of slots 1024 to 2047 are not whole"
    )


async def test_lost_metadata_names_the_snapshot(used: SqlStore, path: Path) -> None:
    query(path, "DELETE FROM channel_metadata")
    await fails(used.load(1001), match="^snapshot 1001 is damaged in the store: the metadata 1 is missing")
