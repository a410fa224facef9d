"""What every connection of the pool promises, and that one which cannot is not used."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import OperationalError
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import StoreError
from snapioc.store import SqlStore, sqlite_connection

from .conftest import database_threads, url_of
from .sql import hold_lock, query

PROMISES = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 200, "auto_vacuum": 2}
POOL_SIZE = 4


async def pragmas(connection: AsyncConnection) -> dict[str, Any]:
    return {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in PROMISES}


async def test_every_connection_of_the_pool_is_durable(store: SqlStore) -> None:
    database = store._database
    assert database
    connections = [await database._engine.connect() for _ in range(POOL_SIZE)]
    found = [await pragmas(connection) for connection in connections]
    assert len(database_threads()) == POOL_SIZE
    for connection in connections:
        await connection.close()
    assert found == [PROMISES] * POOL_SIZE


async def test_connections_made_after_a_failure_are_durable_too(store: SqlStore) -> None:
    database = store._database
    assert database
    await store._drop(database)
    await store.probe()
    assert store._database not in (None, database)
    async with store._database._engine.connect() as connection:  # type: ignore[union-attr]
        assert await pragmas(connection) == PROMISES


async def test_a_connection_that_breaks_its_promise_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promises = sqlite_connection._promises
    monkeypatch.setattr(sqlite_connection, "_promises", lambda *how, **more: promises(*how, **more) | {"page_size": 512})
    query(path, "VACUUM")  # the page size is fixed from now on
    path.write_bytes(b"")
    store = SqlStore(url_of(path))
    with pytest.raises(StoreError, match="does not work as safely as it must"):
        await store.open(migrate=True)
    await store.close()


async def test_a_store_that_someone_took_out_of_wal_is_put_back(store: SqlStore, path: Path) -> None:
    await store.close()
    query(path, "PRAGMA journal_mode=DELETE")
    await store.open(migrate=True)
    assert query(path, "PRAGMA journal_mode") == [("wal",)]


async def test_writing_takes_the_lock_before_any_work(store: SqlStore, path: Path) -> None:
    database = store._database
    assert database
    async with database.write() as connection:
        await connection.execute(text("SELECT 1"))
        with pytest.raises(OperationalError, match="locked"):
            hold_lock(path)


async def test_closing_leaves_no_thread_and_no_file_behind(store: SqlStore, path: Path) -> None:
    await store.probe()
    await store.close()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
