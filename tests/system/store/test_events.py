"""Events of window snapshots: in order and bit for bit, apart from the values, and gone with the snapshot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snapioc.model import AUTOMATIC, Events, NewSnapshot, Readings, StoreError
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same, doubles, everything, numbered, pv_set, random_bits

from .conftest import ANN, tidy_up, url_of
from .sql import query, size

PVS = numbered(100)


def assert_same_events(found: Events | None, expected: Events) -> None:
    assert found is not None
    assert found.rows.dtype == expected.rows.dtype == np.intp
    assert found.rows.tolist() == expected.rows.tolist()
    assert_same(found.readings, expected.readings)


def counting(count: int, seed: int = 0) -> Events:
    """A hundred PVs of which each counts at 100 Hz."""
    ticks = np.arange(count) // 100
    readings = doubles(ticks.astype("<f8"), seed=seed)
    jitter = np.random.default_rng(seed).integers(0, 10_000, count)
    seconds = (1_000_000 + ticks // 100).astype("<u4")
    stamped = replace(readings, seconds=seconds, nanoseconds=(ticks % 100 * 10_000_000 + jitter).astype("<u4"))
    return Events(np.tile(np.arange(100), -(-count // 100))[:count].astype(np.intp), stamped)


def window(events: Events, seed: int = 0) -> NewSnapshot:
    return NewSnapshot(PVS, doubles(random_bits(100, seed)), kind=AUTOMATIC, events=events)


async def test_events_of_every_kind_come_back_as_they_were(store: SqlStore, path: Path) -> None:
    kinds = everything()
    rows = np.random.default_rng(1).integers(0, len(kinds), 3000).astype(np.intp)
    rows[-1] = len(kinds) - 1
    happened: Readings = replace(kinds.select(rows), started=5.25, finished=7.5)
    pvs = pv_set([f"PV{row}" for row in range(len(kinds))])
    header = await store.save(NewSnapshot(pvs, kinds, events=Events(rows, happened)))
    other = SqlStore(url_of(path))
    await other.open(migrate=False)
    for source in (store, other):
        assert_same_events(await source.events(header.id), Events(rows, happened))
        assert_same((await source.load(header.id)).readings, kinds)
    assert (await other.history("PV0", 5))[0][0] == header
    await other.close()


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 2048])
async def test_any_number_of_events(store: SqlStore, count: int) -> None:
    header = await store.save(window(counting(count)))
    assert_same_events(await store.events(header.id), counting(count))


async def test_most_snapshots_have_no_events(store: SqlStore) -> None:
    header = await store.save(NewSnapshot(PVS, doubles(np.ones(100))))
    assert await store.events(header.id) is None


async def test_a_hundred_thousand_events_are_small(store: SqlStore, path: Path) -> None:
    await store.save(window(counting(100)))
    before = size(path)
    header = await store.save(window(counting(100_000)))
    assert (size(path) - before) / 100_000 < 8
    assert_same_events(await store.events(header.id), counting(100_000))


async def test_they_go_with_their_snapshot_and_their_space_is_given_back(store: SqlStore, path: Path) -> None:
    await store.save(window(counting(100)))
    kept = await store.save(window(counting(5000, 1)))
    before = size(path)
    for how in ("delete", "prune"):
        gone = await store.save(window(counting(50_000, 2), 2))
        after = size(path)
        if how == "delete":
            await store.delete(gone.id, ANN)
        else:
            query(path, "INSERT INTO tag VALUES (1, 't')")
            query(path, f"INSERT INTO snapshot_tag SELECT id, 0, 1 FROM snapshot WHERE id != {gone.id}")
            assert await store.prune("SR", keep=0) == 1
        await tidy_up(store)
        assert after > size(path) <= before + 4 * 4096
    assert query(path, "SELECT count(*) FROM snapshot_window") == [(2,)]
    assert_same_events(await store.events(kept.id), counting(5000, 1))


async def test_events_of_other_pvs_than_the_sets_are_refused(store: SqlStore) -> None:
    events = counting(100)
    with pytest.raises(StoreError, match="^set SR has 100 PVs, but events of others were to be stored$"):
        await store.save(window(replace(events, rows=events.rows + 1)))
    assert await store.headers() == []


async def test_damaged_events_name_the_snapshot(store: SqlStore, path: Path) -> None:
    header = await store.save(window(counting(3000)))
    query(path, "DELETE FROM snapshot_block WHERE part >= 32 AND first_slot = 1024")
    with pytest.raises(StoreError, match="^the events of snapshot 1001 are damaged in the store"):
        await store.events(header.id)
    assert_same((await store.load(header.id)).readings, doubles(random_bits(100, 0)))
