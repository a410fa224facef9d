from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snapioc.model import NewSnapshot, StoreError, UnknownSnapshot
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same, doubles, everything, numbered, random_bits

from .conftest import ANN, tidy_up, url_of
from .sql import query, size


def noise(seed: int, count: int = 3000) -> NewSnapshot:
    return NewSnapshot(numbered(count), doubles(random_bits(count, seed), seed=seed), tags=("t",))


async def test_an_id_is_never_used_again(store: SqlStore, path: Path) -> None:
    ids = [(await store.save(noise(seed))).id for seed in range(3)]
    for snapshot_id in reversed(ids):
        await store.delete(snapshot_id, ANN)
    await store.close()
    await store.open(migrate=True)
    assert (await store.save(noise(9))).id == max(ids) + 1
    with pytest.raises(StoreError, match=f"there is no snapshot {ids[0]}"):
        await store.load(ids[0])


async def test_the_space_is_given_back(store: SqlStore, path: Path) -> None:
    await store.save(noise(0))
    before = size(path)
    for seed in range(1, 6):
        await store.delete((await store.save(noise(seed))).id, ANN)
    await tidy_up(store)
    assert size(path) <= before + 3 * 4096
    assert query(path, "SELECT count(*) FROM released_block") == [(0,)]


async def test_shared_blocks_stay(store: SqlStore) -> None:
    values = random_bits(3000, 0)
    ids = []
    for changed in range(3):
        values = values.copy()
        values[changed] = 1.0
        ids.append((await store.save(NewSnapshot(numbered(3000), doubles(values)))).id)
    await store.delete(ids[1], ANN)
    await store.delete(ids[0], ANN)
    await tidy_up(store)
    assert_same((await store.load(ids[2])).readings, doubles(values))


async def test_a_block_that_went_with_its_snapshot_is_stored_anew(store: SqlStore) -> None:
    await store.delete((await store.save(noise(0))).id, ANN)
    await tidy_up(store)
    header = await store.save(noise(0))  # the store remembers these blocks as stored
    assert_same((await store.load(header.id)).readings, noise(0).readings)


async def test_members_of_a_version_stay(store: SqlStore, path: Path) -> None:
    snapshot = NewSnapshot(numbered(len(everything())), everything())
    await store.delete((await store.save(snapshot)).id, ANN)
    await tidy_up(store)
    header = await store.save(snapshot)
    other = SqlStore(url_of(path))
    await other.open(migrate=False)
    assert (await other.load(header.id)).pv_set == snapshot.pv_set
    await other.close()


async def test_what_a_crash_left_over_is_collected_after_the_next_start(store: SqlStore, path: Path) -> None:
    kept = await store.save(noise(0))
    gone = await store.save(noise(1))
    await store.close()
    query(path, f"INSERT INTO released_block SELECT DISTINCT block_id FROM snapshot_block WHERE snapshot_id = {gone.id}")
    query(path, f"DELETE FROM snapshot_block WHERE snapshot_id = {gone.id}")
    query(path, f"DELETE FROM snapshot_tag WHERE snapshot_id = {gone.id}")
    query(path, f"DELETE FROM snapshot WHERE id = {gone.id}")
    await store.open(migrate=True)
    await tidy_up(store)
    used = "SELECT block_id FROM snapshot_block UNION SELECT block_id FROM set_block"
    assert query(path, f"SELECT count(*) FROM block WHERE id NOT IN ({used})") == [(0,)]
    assert_same((await store.load(kept.id)).readings, noise(0).readings)


async def test_snapshots_saved_while_others_are_deleted_are_whole(store: SqlStore) -> None:
    doomed = [(await store.save(noise(seed))).id for seed in range(6)]

    async def delete_all() -> None:
        for snapshot_id in doomed:
            await store.delete(snapshot_id, ANN)
            await tidy_up(store)

    async def save_all() -> list[int]:
        return [(await store.save(noise(seed % 6))).id for seed in range(12)]

    _, ids = await asyncio.gather(delete_all(), save_all())
    for seed, snapshot_id in enumerate(ids):
        assert_same((await store.load(snapshot_id)).readings, noise(seed % 6).readings)
    assert np.all(np.diff(ids) == 1)


async def test_a_deletion_is_in_the_audit_log(store: SqlStore) -> None:
    header = await store.save(replace(noise(0, 3), title="before the shutdown"))
    await store.edit(header.id, ANN, comment="x")
    await store.delete(header.id, ANN)
    with pytest.raises(StoreError, match=f"there is no snapshot {header.id}"):
        await store.delete(header.id, ANN)
    deleted, edited = await store.audit(snapshot_id=header.id)
    assert (deleted.origin, deleted.what, deleted.after, edited.what) == (ANN, "deleted", "", "comment")
    assert deleted.before == 'manual of set SR, 2025-07-31T22:13:20+00:00, "before the shutdown", tags t, 3 of 3 PVs'


async def test_a_golden_snapshot_stays(store: SqlStore) -> None:
    golden, other = await store.save(noise(0, 3)), await store.save(noise(1, 3))
    await store.keep_settings(
        {("SR", "GOLDEN_ID"): str(golden.id), ("SR", "PERIOD"): str(other.id), ("BR", "GOLDEN_ID"): ""}
    )
    with pytest.raises(StoreError, match=f"^snapshot {golden.id} cannot be deleted: it is the golden one of set SR$"):
        await store.delete(golden.id, ANN)
    await store.delete(other.id, ANN)
    assert [header.id for header in await store.headers()] == [golden.id]
    assert len(await store.audit()) == 1
    await store.keep_settings({("SR", "GOLDEN_ID"): "0"})
    await store.delete(golden.id, ANN)


async def test_what_is_not_there_cannot_be_golden(store: SqlStore) -> None:
    await store.keep_settings({("SR", "PERIOD"): "1"})
    for nothing in ("1001", str(1 << 70)):
        with pytest.raises(UnknownSnapshot, match=f"there is no snapshot {nothing}"):
            await store.keep_settings({("SR", "PERIOD"): "2", ("SR", "GOLDEN_ID"): nothing})
    assert await store.settings() == {("SR", "PERIOD"): "1"}


@pytest.mark.parametrize("deleted_first", [False, True])
async def test_a_snapshot_is_made_golden_or_deleted_but_not_both(store: SqlStore, deleted_first: bool) -> None:
    for _ in range(10):
        golden = await store.save(noise(0, 3))
        both = [store.keep_settings({("SR", "GOLDEN_ID"): str(golden.id)}), store.delete(golden.id, ANN)]
        results = await asyncio.gather(*(reversed(both) if deleted_first else both), return_exceptions=True)
        assert [type(result) for result in results].count(type(None)) == 1
        kept = (await store.settings()).get(("SR", "GOLDEN_ID")) == str(golden.id)
        assert kept == (golden.id in [header.id for header in await store.headers()])


async def test_the_golden_snapshot_of_a_set_that_is_configured_no_more_can_be_deleted(store: SqlStore, path: Path) -> None:
    golden, other = await store.save(noise(0, 3)), await store.save(noise(1, 3))
    await store.keep_settings({("SR", "GOLDEN_ID"): str(golden.id), ("BR", "GOLDEN_ID"): str(other.id)})
    later = SqlStore(url_of(path), sets=["BR"])
    await later.open(migrate=True)
    with pytest.raises(StoreError, match="the golden one of set BR"):
        await later.delete(other.id, ANN)
    await later.delete(golden.id, ANN)
    assert await later.settings() == {("BR", "GOLDEN_ID"): str(other.id)}
    await later.close()


async def test_space_is_given_back_step_by_step(store: SqlStore, path: Path) -> None:
    await store.save(noise(0, 40_000))
    before = size(path)
    for seed in range(1, 4):
        await store.delete((await store.save(noise(seed, 40_000))).id, ANN)
    sizes, more = [size(path)], True
    while more:
        more = await store.tidy()
        sizes.append(size(path))
    assert sizes[-1] <= before + 4 * 4096 < sizes[0]
    assert len(sizes) > 5
    assert max(np.diff(np.flip(sizes))) <= 1 << 20
    assert not await store.tidy()


OTHER_PROGRAM = """
import asyncio, sys
from snapioc.store import SqlStore
from tests.system.store.test_deletion import noise

async def main():
    store = SqlStore(sys.argv[1])
    await store.open(migrate=True)
    print("open", flush=True)
    for seed in range(30):
        await store.save(noise(seed % 6))
    await store.close()

asyncio.run(main())
"""


async def test_tidying_while_this_and_another_program_save(path: Path) -> None:
    store = SqlStore(url_of(path), busy_timeout=60)
    await store.open(migrate=True)
    doomed = [(await store.save(noise(seed))).id for seed in range(12)]
    call = [sys.executable, "-c", OTHER_PROGRAM, url_of(path)]
    other = await asyncio.create_subprocess_exec(*call, cwd=Path(__file__).parents[3], stdout=asyncio.subprocess.PIPE)
    assert other.stdout
    await other.stdout.readline()

    async def delete_all() -> None:
        for snapshot_id in doomed:
            await store.delete(snapshot_id, ANN)
            await tidy_up(store)

    async def save_all() -> None:
        for seed in range(12):
            await store.save(noise(seed % 6))

    await asyncio.gather(delete_all(), save_all(), other.wait())
    await tidy_up(store)
    assert other.returncode == 0
    headers = await store.headers()
    assert len(headers) == 42
    expected = {noise(seed).readings.bits.tobytes() for seed in range(6)}
    assert {(await store.load(header.id)).readings.bits.tobytes() for header in headers} == expected
    used = "SELECT block_id FROM snapshot_block UNION SELECT block_id FROM set_block"
    assert query(path, f"SELECT count(*) FROM block WHERE id NOT IN ({used})") == [(0,)]
    assert query(path, "PRAGMA freelist_count") == [(0,)]
    await store.close()
