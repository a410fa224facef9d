from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from snapioc.model import NewSnapshot, StoreError
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same, doubles, everything, numbered, random_bits

from .conftest import url_of
from .sql import query, size


def noise(seed: int, count: int = 3000) -> NewSnapshot:
    return NewSnapshot(numbered(count), doubles(random_bits(count, seed), seed=seed), tags=("t",))


async def test_an_id_is_never_used_again(store: SqlStore, path: Path) -> None:
    ids = [(await store.save(noise(seed))).id for seed in range(3)]
    for snapshot_id in reversed(ids):
        await store.delete(snapshot_id)
    await store.close()
    await store.open(migrate=True)
    assert (await store.save(noise(9))).id == max(ids) + 1
    with pytest.raises(StoreError, match=f"there is no snapshot {ids[0]}"):
        await store.load(ids[0])


async def test_the_space_is_given_back(store: SqlStore, path: Path) -> None:
    await store.save(noise(0))
    before = size(path)
    for seed in range(1, 6):
        await store.delete((await store.save(noise(seed))).id)
    assert size(path) <= before + 3 * 4096
    assert query(path, "SELECT count(*) FROM released_block") == [(0,)]


async def test_shared_blocks_stay(store: SqlStore) -> None:
    values = random_bits(3000, 0)
    ids = []
    for changed in range(3):
        values = values.copy()
        values[changed] = 1.0
        ids.append((await store.save(NewSnapshot(numbered(3000), doubles(values)))).id)
    await store.delete(ids[1])
    await store.delete(ids[0])
    assert_same((await store.load(ids[2])).readings, doubles(values))


async def test_a_block_that_went_with_its_snapshot_is_stored_anew(store: SqlStore) -> None:
    await store.delete((await store.save(noise(0))).id)
    header = await store.save(noise(0))  # the store remembers these blocks as stored
    assert_same((await store.load(header.id)).readings, noise(0).readings)


async def test_members_of_a_version_stay(store: SqlStore, path: Path) -> None:
    snapshot = NewSnapshot(numbered(len(everything())), everything())
    await store.delete((await store.save(snapshot)).id)
    header = await store.save(snapshot)
    other = SqlStore(url_of(path))
    await other.open(migrate=False)
    assert (await other.load(header.id)).pv_set == snapshot.pv_set
    await other.close()


async def test_what_a_crash_left_over_is_collected_at_the_next_start(store: SqlStore, path: Path) -> None:
    kept = await store.save(noise(0))
    gone = await store.save(noise(1))
    await store.close()
    query(path, f"INSERT INTO released_block SELECT DISTINCT block_id FROM snapshot_block WHERE snapshot_id = {gone.id}")
    query(path, f"DELETE FROM snapshot_block WHERE snapshot_id = {gone.id}")
    query(path, f"DELETE FROM snapshot_tag WHERE snapshot_id = {gone.id}")
    query(path, f"DELETE FROM snapshot WHERE id = {gone.id}")
    await store.open(migrate=True)
    used = "SELECT block_id FROM snapshot_block UNION SELECT block_id FROM set_block"
    assert query(path, f"SELECT count(*) FROM block WHERE id NOT IN ({used})") == [(0,)]
    assert_same((await store.load(kept.id)).readings, noise(0).readings)


async def test_snapshots_saved_while_others_are_deleted_are_whole(store: SqlStore) -> None:
    doomed = [(await store.save(noise(seed))).id for seed in range(6)]

    async def delete_all() -> None:
        for snapshot_id in doomed:
            await store.delete(snapshot_id)

    async def save_all() -> list[int]:
        return [(await store.save(noise(seed % 6))).id for seed in range(12)]

    _, ids = await asyncio.gather(delete_all(), save_all())
    for seed, snapshot_id in enumerate(ids):
        assert_same((await store.load(snapshot_id)).readings, noise(seed % 6).readings)
    assert np.all(np.diff(ids) == 1)
