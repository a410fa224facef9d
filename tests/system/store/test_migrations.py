from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event

from snapioc.model import NewSnapshot, StoreError
from snapioc.store import SqlStore
from snapioc.store.tables import schema
from tests.unit.store.material import doubles, numbered

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


async def test_a_migration_that_fails_anywhere_leaves_nothing_behind(path: Path) -> None:
    remaining = 0

    def stop(connection: object, cursor: object, statement: str, *_: object) -> None:
        nonlocal remaining
        if statement.lstrip().startswith(("CREATE", "INSERT", "COMMIT")):
            remaining -= 1
            if remaining == 0:
                raise OSError("pulled the plug")

    event.listen(Engine, "before_cursor_execute", stop)
    try:
        for step in range(1, 100):
            remaining = step
            store = SqlStore(url_of(path))
            try:
                await store.open(migrate=True)
            except StoreError:
                assert query(path, "SELECT name FROM sqlite_master") == []
                await store.close()
            else:
                break
    finally:
        event.remove(Engine, "before_cursor_execute", stop)
    assert step > 15
    assert (await store.save(NewSnapshot(numbered(2), doubles(np.ones(2))))).id == 1001
    await store.close()


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
