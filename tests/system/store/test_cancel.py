"""An operation is cancelled at any moment: a whole snapshot or none, and the store goes on working."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from snapioc.model import NewSnapshot
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same, doubles, numbered, random_bits

from .conftest import url_of
from .sql import hold_lock


def noise(seed: int, count: int) -> NewSnapshot:
    return NewSnapshot(numbered(count), doubles(random_bits(count, seed), seed=seed), title=str(seed))


async def cancel_after(delay: float, task: asyncio.Task[object]) -> bool:
    """Whether it was cancelled before it ended."""
    await asyncio.sleep(delay)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


@pytest.mark.parametrize("new_versions", [False, True])
async def test_a_save(store: SqlStore, new_versions: bool) -> None:
    pvs = [numbered(3000 + seed * new_versions) for seed in range(-1, 40)]
    snapshots = [NewSnapshot(each, doubles(random_bits(len(each.pvs), i)), title=str(i)) for i, each in enumerate(pvs)]
    await store.save(snapshots.pop())
    before = time.perf_counter()
    await store.save(snapshots.pop())
    step = 1.5 * (time.perf_counter() - before) / len(snapshots)
    cancelled = [await cancel_after(step * i, asyncio.create_task(store.save(each))) for i, each in enumerate(snapshots)]
    assert True in cancelled
    headers = {header.title: header for header in await store.headers()}
    for was_cancelled, each in zip(cancelled, snapshots, strict=True):
        assert was_cancelled or each.title in headers
        if each.title in headers:
            assert_same((await store.load(headers[each.title].id)).readings, each.readings)
    last = await store.save(snapshots[0])
    assert last.id > max(header.id for header in headers.values())


async def test_a_load(store: SqlStore) -> None:
    saved = await store.save(noise(1, 5000))
    for step in range(40):
        await cancel_after(step * 0.0003, asyncio.create_task(store.load(saved.id)))
    assert_same((await store.load(saved.id)).readings, noise(1, 5000).readings)


async def test_opening(path: Path) -> None:
    for step in range(40):
        store = SqlStore(url_of(path))
        await cancel_after(step * 0.001, asyncio.create_task(store.open(migrate=True)))
        await store.close()
    store = SqlStore(url_of(path))
    await store.open(migrate=True)
    assert (await store.save(noise(1, 10))).id == 1001
    await store.close()


async def test_a_save_that_waits_for_another_programs_lock(path: Path) -> None:
    store = SqlStore(url_of(path), busy_timeout=1000)
    await store.open(migrate=True)
    await store.save(noise(0, 10))
    lock = hold_lock(path)
    assert await cancel_after(0.05, asyncio.create_task(store.save(noise(1, 10))))
    lock.close()
    await store.save(noise(2, 10))
    assert [header.title for header in await store.headers()] == ["2", "0"]
    await store.close()
