"""What is said of a snapshot changes, its values do not, and every change is in the audit log; and settings."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from snapioc.model import NewSnapshot, Origin, StoreError, UnknownSnapshot, Wanted
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same, doubles, everything, numbered, pv_set

from .conftest import ANN, url_of
from .sql import query

BOB = Origin("bob", "hut", "")


def snapshot(**more: object) -> NewSnapshot:
    return NewSnapshot(numbered(3), doubles(np.ones(3)), **more)  # type: ignore[arg-type]


async def test_an_edit_changes_what_is_given_and_nothing_else(store: SqlStore, path: Path) -> None:
    pvs = pv_set([f"PV{row}" for row in range(len(everything()))])
    old = await store.save(NewSnapshot(pvs, everything(), title="a", comment="b", tags=("x", "y"), origin=ANN))
    other = await store.save(snapshot(title="a", tags=("x",)))
    titled = await store.edit(old.id, BOB, title="Ünicode\ntwo lines")
    assert (titled.title, titled.comment, titled.tags) == ("Ünicode\ntwo lines", "b", ("x", "y"))
    done = await store.edit(old.id, BOB, comment="", tags=("y", "new", "y"))
    assert (done.title, done.comment, done.tags, done.origin) == ("Ünicode\ntwo lines", "", ("y", "new"), ANN)
    reading = SqlStore(url_of(path))
    await reading.open(migrate=False)
    assert (await reading.load(old.id)).header == done
    assert_same((await reading.load(old.id)).readings, everything())
    assert await reading.header(other.id) == other
    assert [header.id for header in (await reading.find(Wanted(tag="x"))).headers] == [other.id]
    await reading.close()


async def test_every_change_is_kept_with_old_and_new_text(store: SqlStore) -> None:
    begun = time.time()
    first = await store.save(snapshot(title="a", tags=("x", "y")))
    second = await store.save(snapshot())
    await store.edit(first.id, ANN, title="b", comment="", tags=("y",))
    await store.edit(second.id, BOB, title="c")
    await store.edit(first.id, BOB, title="b", comment="why", tags=("y",))
    entries = await store.audit()
    assert [(e.origin, e.what, e.subject, e.before, e.after) for e in entries] == [
        (BOB, "comment", "snapshot 1001", "", "why"),
        (BOB, "title", "snapshot 1002", "", "c"),
        (ANN, "tags", "snapshot 1001", "x, y", "y"),
        (ANN, "title", "snapshot 1001", "a", "b"),
    ]
    assert all(begun <= entry.at <= time.time() for entry in entries)
    assert await store.audit(2) == entries[:2]
    assert await store.audit(snapshot_id=second.id) == [entries[1]]
    assert await store.audit(1, first.id) == [entries[0]]
    assert await store.audit(snapshot_id=100) == []


async def test_an_edit_that_changes_nothing_leaves_no_entry(store: SqlStore) -> None:
    old = await store.save(snapshot(title="a", comment="b", tags=("x", "y")))
    assert await store.edit(old.id, ANN) == old
    assert await store.edit(old.id, ANN, title="a", comment="b", tags=["x", "y", "x"]) == old
    assert await store.audit() == []


async def test_an_edit_is_whole_or_not_at_all(store: SqlStore, path: Path) -> None:
    old = await store.save(snapshot(title="a", tags=("x",)))
    query(path, "CREATE TRIGGER stop BEFORE INSERT ON audit WHEN NEW.what = 'tags' BEGIN SELECT RAISE(FAIL, 'no'); END")
    with pytest.raises(StoreError):
        await store.edit(old.id, ANN, title="b", tags=())
    assert await store.header(old.id) == old
    assert await store.audit() == []


async def test_texts_that_no_database_takes(store: SqlStore) -> None:
    old = await store.save(snapshot())
    done = await store.edit(old.id, Origin("\ud800", "\0", "SR"), title="\ud800a\0", comment="\0", tags=("\ud800",))
    assert (done.title, done.comment, done.tags) == ("?a", "", ("?",))
    assert (await store.audit(1))[0].origin == Origin("?", "", "SR")


async def test_there_is_nothing_to_edit(store: SqlStore) -> None:
    with pytest.raises(UnknownSnapshot, match="^there is no snapshot 1001$"):
        await store.edit(1001, ANN, title="b")
    assert await store.audit() == []


async def test_settings_are_kept(store: SqlStore) -> None:
    assert await store.settings() == {}
    await store.keep_settings({("SR", "PERIOD"): "1.0", ("SR", "KEEP"): "", ("BR", "PERIOD"): "é \0"})
    await store.keep_settings({})
    await store.keep_settings({("SR", "PERIOD"): "2.0", ("SR", "ARM"): "1"})
    expected = {("SR", "PERIOD"): "2.0", ("SR", "KEEP"): "", ("SR", "ARM"): "1", ("BR", "PERIOD"): "é "}
    assert await store.settings() == expected
    await store.close()
    await store.open(migrate=True)
    assert await store.settings() == expected


async def test_more_settings_than_one_statement_takes(store: SqlStore) -> None:
    many = {(f"SET{number // 10}", f"NAME{number % 10}"): str(number) for number in range(1200)}
    await store.keep_settings(many)
    await store.keep_settings({key: f"{value}!" for key, value in many.items()})
    assert await store.settings() == {key: f"{value}!" for key, value in many.items()}
