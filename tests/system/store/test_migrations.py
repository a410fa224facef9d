from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event

from snapioc.model import AUTOMATIC, Events, NewRestore, NewSnapshot, Origin, RestoreEnd, StoreError, Wanted
from snapioc.store import SqlStore
from snapioc.store.tables import schema
from tests.unit.store.material import assert_same, doubles, numbered

from . import first_schema, second_schema
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
        if statement.lstrip().startswith(("CREATE", "INSERT", "UPDATE", "ALTER", "COMMIT")):
            remaining[0] -= 1
            if remaining[0] == 0:
                raise OSError("pulled the plug")

    event.listen(Engine, "before_cursor_execute", stop)
    try:
        yield remaining
    finally:
        event.remove(Engine, "before_cursor_execute", stop)


def version_of(path: Path) -> str:
    ((version,),) = query(path, "SELECT version_num FROM alembic_version")
    return str(version)


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
                there = query(path, "SELECT name FROM sqlite_master")
                # When all is migrated it is tried whether the store can be written.
                assert there == before or version_of(path) == "0003"
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


async def holds_snapshots(store: SqlStore, expected: dict[int, NewSnapshot]) -> None:
    """These are there and found, whole, and there are no others."""
    assert [header.id for header in await store.headers(undo=True)] == sorted(expected, reverse=True)
    for set_name in ("SR", "RF"):
        found = await store.find(Wanted((), set_name=set_name))
        assert [header.id for header in found.headers] == [
            number for number in sorted(expected, reverse=True) if expected[number].pv_set.name == set_name
        ]
    for snapshot_id, new in expected.items():
        loaded = await store.load(snapshot_id)
        header = loaded.header
        assert loaded.pv_set == new.pv_set
        assert_same(loaded.readings, new.readings)
        assert (header.title, header.comment, header.tags) == (new.title, new.comment, new.tags)
        assert (header.kind, header.origin, header.restores) == (new.kind, new.origin, new.restores)


async def does_what_is_new(store: SqlStore) -> None:
    """All that came with the third schema works with what was there before."""
    header = await store.edit(1001, Origin("bob"), title="edited")
    assert (header.title, (await store.audit())[0].before) == ("edited", "golden")
    await store.keep_settings({("SR", "GOLDEN_ID"): "1001"})
    assert await store.events(1001) is None
    assert [header.id for header, _ in await store.history("SR:QF1", 5)] == [1004, 1002, 1001]
    new = first_schema.snapshots()[0]
    events = Events(np.arange(5), new.readings)
    last = await store.save(replace(new, kind=AUTOMATIC, events=events, tags=()))
    assert (await store.find(Wanted((AUTOMATIC,), pv="SR:NOTE.VAL"))).headers == (last,)
    assert await store.prune("SR", keep=0) == 1
    with pytest.raises(StoreError, match="the golden one of set SR"):
        await store.delete(1001, Origin())


async def holds_what_the_first_held(path: Path) -> None:
    """Every snapshot of the first schema is there, whole; and all that the store does now works with it."""
    store = SqlStore(url_of(path))
    await store.open(migrate=True)
    expected = dict(enumerate(first_schema.snapshots(), 1001))
    del expected[first_schema.DELETED_ID]
    await holds_snapshots(store, expected)
    assert await store.restores() == []
    before = expected[1002]
    begun = await store.begin_restore(NewRestore(1001, "SR"), before.pv_set, before)
    assert (begun.id, begun.undo_id) == (1, first_schema.DELETED_ID + 1)
    assert await store.end_restore(begun.id, RestoreEnd("success", "", 1)) == await store.undo_point("SR")
    await does_what_is_new(store)
    await store.delete(1004, Origin())
    await store.close()
    sound(path)


async def holds_what_the_second_held(path: Path) -> None:
    """Every snapshot and restore of the second schema is there, whole; and all that the store does now works with it."""
    store = SqlStore(url_of(path))
    await store.open(migrate=True)
    await holds_snapshots(store, second_schema.snapshots())
    undoing, restored = await store.restores()
    assert await store.unfinished_restores() == [undoing]
    assert await store.undo_point("SR") == restored
    assert (undoing.new, undoing.undo_id, undoing.result) == (second_schema.UNDOING, 1009, "")
    assert (restored.new, restored.undo_id, restored.after_id) == (second_schema.RESTORED, 1007, 1008)
    assert (restored.result, restored.message, restored.written) == ("partial", "one clamped", 2)
    _, pv_set, outcomes = await store.outcomes(restored.id)
    assert pv_set == second_schema.snapshots()[1001].pv_set
    assert outcomes.verdicts.tolist() == second_schema.OUTCOMES.verdicts.tolist()
    assert (outcomes.rows.tolist(), outcomes.texts) == ([0, 1], second_schema.OUTCOMES.texts)
    await does_what_is_new(store)
    await store.end_restore(undoing.id, RestoreEnd("success", "", 1))
    await store.delete(1004, Origin())
    await store.close()
    sound(path)


def sound(path: Path) -> None:
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []
    assert query(
        path, "SELECT count(*) FROM snapshot JOIN set_version v ON v.id = version_id WHERE v.set_id != snapshot.set_id"
    ) == [(0,)]


OLDER = [(first_schema, "0001", holds_what_the_first_held), (second_schema, "0002", holds_what_the_second_held)]


@pytest.mark.parametrize(("old", "version", "holds"), OLDER)
async def test_a_store_of_an_older_schema_keeps_everything(path: Path, old: Any, version: str, holds: Any) -> None:
    old.put_at(path)
    assert version_of(path) == version
    await holds(path)


@pytest.mark.parametrize(("old", "holds"), [(old, holds) for old, _, holds in OLDER])
async def test_a_store_of_an_older_schema_survives_migrations_that_fail_anywhere(path: Path, old: Any, holds: Any) -> None:
    old.put_at(path)
    assert await fail_at_each_step(path) > 10
    assert version_of(path) == "0003"
    await holds(path)


@pytest.mark.parametrize("old", [first_schema, second_schema])
async def test_reading_never_migrates(path: Path, old: Any) -> None:
    old.put_at(path)
    before = path.read_bytes()
    store = SqlStore(url_of(path))
    sentence = f"the store is of an older snapioc .{path}.: start the IOC once to bring it up to date"
    for attempt in (store.open(migrate=False), store.restores(), store.headers(), store.audit(), store.find(Wanted())):
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
