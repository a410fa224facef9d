from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event

from snapioc.model import NewRestore, NewSnapshot, RestoreEnd, StoreError
from snapioc.store import SqlStore
from snapioc.store.tables import schema
from tests.unit.store.material import assert_same, doubles, numbered

from . import first_schema
from .conftest import url_of
from .saver import start
from .sql import query


async def test_migrations_make_the_tables_that_the_program_uses(store: SqlStore, path: Path) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), schema))

    database = store._database
    assert database
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_tables_and_migrations_agree_in_what_alembic_does_not_compare(
    store: SqlStore, path: Path, tmp_path: Path
) -> None:
    def statements(of: Path) -> list[str]:
        rows = query(
            of, "SELECT name, sql FROM sqlite_master WHERE sql NOT NULL AND name != 'alembic_version' ORDER BY name"
        )
        return [f"{name}: {sorted(sql.translate(str.maketrans('(),', '   ')).split())}" for name, sql in rows]

    engine = create_engine(url_of(tmp_path / "tables.db"))
    schema.create_all(engine)
    engine.dispose()
    assert statements(path) == statements(tmp_path / "tables.db")


@contextmanager
def power_cuts() -> Iterator[list[int]]:
    """While its number is positive, so many statements of a migration pass, and then one fails."""
    remaining = [0]

    def stop(connection: object, cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().startswith(("CREATE", "INSERT", "UPDATE", "COMMIT")):
            remaining[0] -= 1
            if remaining[0] == 0:
                raise OSError("pulled the plug")

    event.listen(Engine, "before_cursor_execute", stop)
    try:
        yield remaining
    finally:
        event.remove(Engine, "before_cursor_execute", stop)


async def fail_at_each_step(path: Path) -> int:
    """Migrate again and again, each time one statement further; how many steps it took."""
    before = query(path, "SELECT name FROM sqlite_master")
    with power_cuts() as remaining:
        for step in range(1, 100):
            remaining[0] = step
            store = SqlStore(url_of(path))
            try:
                await store.open(migrate=True)
            except StoreError:
                assert query(path, "SELECT name FROM sqlite_master") == before
            else:
                return step
            finally:
                await store.close()
    raise AssertionError("it never came to its end")


async def test_a_first_migration_that_fails_anywhere_leaves_nothing_behind(path: Path) -> None:
    assert await fail_at_each_step(path) > 15
    store = SqlStore(url_of(path))
    await store.open(migrate=True)
    assert (await store.save(NewSnapshot(numbered(2), doubles(np.ones(2))))).id == 1001
    await store.close()


async def holds_what_it_held(path: Path) -> None:
    """Every snapshot of the first schema is there, whole; and all that the store does now works with it."""
    store = SqlStore(url_of(path))
    await store.open(migrate=True)
    expected = dict(enumerate(first_schema.snapshots(), 1001))
    del expected[first_schema.DELETED_ID]
    assert [header.id for header in await store.headers(undo=True)] == sorted(expected, reverse=True)
    for snapshot_id, new in expected.items():
        loaded = await store.load(snapshot_id)
        header = loaded.header
        assert loaded.pv_set == new.pv_set
        assert_same(loaded.readings, new.readings)
        assert (header.title, header.comment, header.tags) == (new.title, new.comment, new.tags)
        assert (header.kind, header.origin, header.restores) == (new.kind, new.origin, new.restores)
    assert await store.restores() == []
    before = expected[1002]
    begun = await store.begin_restore(NewRestore(1001, "SR"), before.pv_set, before)
    assert (begun.id, begun.undo_id) == (1, first_schema.DELETED_ID + 1)
    assert await store.end_restore(begun.id, RestoreEnd("success", "", 1)) == await store.undo_point("SR")
    await store.delete(1004)
    await store.close()
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []


async def test_a_store_of_the_first_schema_keeps_everything(path: Path) -> None:
    first_schema.put_at(path)
    assert query(path, "SELECT version_num FROM alembic_version") == [("0001",)]
    await holds_what_it_held(path)


async def test_a_store_of_the_first_schema_survives_migrations_that_fail_anywhere(path: Path) -> None:
    first_schema.put_at(path)
    assert await fail_at_each_step(path) > 4
    await holds_what_it_held(path)


async def test_reading_never_migrates(path: Path) -> None:
    first_schema.put_at(path)
    before = path.read_bytes()
    store = SqlStore(url_of(path))
    sentence = f"the store is of an older snapioc .{path}.: start the IOC once to bring it up to date"
    for attempt in (store.open(migrate=False), store.restores(), store.headers()):
        with pytest.raises(StoreError, match=sentence):
            await attempt
    await store.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("seed", range(3))
async def test_a_kill_at_any_moment_of_a_first_migration(tmp_path: Path, seed: int) -> None:
    child = start("migrate", tmp_path)
    assert child.stdout
    assert child.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.0, 0.3))
    child.kill()
    child.communicate()
    files = sorted(tmp_path.glob("*.db"))
    assert files
    for path in files:
        store = SqlStore(url_of(path))
        await store.open(migrate=True)
        assert (await store.save(NewSnapshot(numbered(2), doubles(np.ones(2))))).id == 1001
        await store.close()
    assert child.returncode == -9
