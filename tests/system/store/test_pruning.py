"""Automatic snapshots go, by number or by age; what somebody or something needs stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snapioc.model import AUTOMATIC, BEFORE_RESTORE, MANUAL, NewRestore, NewSnapshot, RestoreEnd
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same, doubles, numbered, random_bits

from .conftest import tidy_up
from .sql import query, size

PVS = numbered(3)


def at(second: int, kind: str = AUTOMATIC, name: str = "SR", **more: object) -> NewSnapshot:
    return NewSnapshot(numbered(3, name), doubles(np.full(3, second), second), kind=kind, **more)  # type: ignore[arg-type]


async def there(store: SqlStore) -> list[int]:
    return [header.id for header in reversed(await store.headers(undo=True))]


async def prune_all(store: SqlStore, set_name: str = "SR", **how: float) -> int:
    total = 0
    while went := await store.prune(set_name, **how):  # type: ignore[arg-type]
        assert went <= 50
        total += went
    return total


async def test_the_newest_stay(store: SqlStore) -> None:
    saved = [(await store.save(at(second))).id for second in range(130)]
    assert await prune_all(store, keep=10) == 120
    assert await there(store) == saved[-10:]
    assert await prune_all(store, keep=10) == await prune_all(store, keep=11) == await prune_all(store) == 0
    assert await prune_all(store, keep=0) == 10


async def test_the_oldest_go_first(store: SqlStore) -> None:
    saved = [(await store.save(at(second))).id for second in range(100)]
    went = await store.prune("SR", keep=5)
    assert await there(store) == saved[went:]


async def test_the_young_stay(store: SqlStore) -> None:
    saved = [await store.save(at(second)) for second in (5, 1, 4, 2, 3)]  # a clock that was set
    assert await prune_all(store, before=saved[4].taken_at) == 2
    assert await there(store) == [saved[0].id, saved[2].id, saved[4].id]
    assert await prune_all(store, before=saved[4].taken_at) == 0


async def test_either_limit_is_enough(store: SqlStore) -> None:
    saved = [await store.save(at(second)) for second in range(10)]
    assert await prune_all(store, keep=8, before=saved[5].taken_at) == 5
    assert await prune_all(store, keep=2, before=saved[5].taken_at) == 3
    assert await there(store) == [saved[8].id, saved[9].id]


async def test_only_automatic_ones_of_the_set_that_are_not_tagged_or_golden(store: SqlStore) -> None:
    stay = [await store.save(each) for each in (at(1, MANUAL), at(2, BEFORE_RESTORE), at(3, name="BR"), at(4, tags=("t",)))]
    golden = await store.save(at(5))
    goes = await store.save(at(6))
    await store.keep_settings({("SR", "GOLDEN_ID"): str(golden.id), ("SR", "PERIOD"): str(goes.id)})
    assert await prune_all(store, keep=0, before=1e12) == 1
    assert await prune_all(store, "NONE", keep=0) == 0
    assert await there(store) == [*(header.id for header in stay), golden.id]
    assert await store.audit() == []


async def test_what_undo_or_a_recovery_needs_stays(store: SqlStore) -> None:
    first, second, free = [await store.save(at(second)) for second in range(3)]
    undone = await store.begin_restore(NewRestore(first.id, "SR"), PVS, at(10))
    await store.end_restore(undone.id, RestoreEnd("success", "", 3))
    running = await store.begin_restore(NewRestore(second.id, "SR"), PVS, at(11))
    assert await prune_all(store, keep=0) == 1
    assert await there(store) == [first.id, second.id, undone.undo_id, running.undo_id]
    assert free.id not in await there(store)
    await store.end_restore(running.id, RestoreEnd("success", "", 3))
    assert await prune_all(store, keep=0) == 1  # the second is the way back now
    assert first.id not in await there(store)


async def test_large_snapshots_go_a_few_at_a_time(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.store.deletion.LINKS", 20)
    for second in range(5):
        await store.save(at(second))
    assert [await store.prune("SR", keep=0) for _ in range(3)] == [3, 2, 0]
    monkeypatch.setattr("snapioc.store.deletion.LINKS", 1)
    await store.save(at(1))
    assert await store.prune("SR", keep=0) == 1


async def test_the_file_stays_as_large_as_it_is(store: SqlStore, path: Path) -> None:
    """Snapshots that take themselves: each goes as another comes, and the file neither grows nor loses anything."""
    pvs, sizes = numbered(2000), []
    for number in range(60):
        header = await store.save(NewSnapshot(pvs, doubles(random_bits(2000, number), number), kind=AUTOMATIC))
        await store.prune("SR", keep=10)
        await tidy_up(store)
        sizes.append(size(path))
    assert max(sizes[15:]) <= min(sizes[15:]) * 1.2
    assert len(await there(store)) == 10
    assert query(path, "SELECT count(*) FROM released_block") == [(0,)]
    for number, snapshot_id in enumerate(await there(store), 50):
        assert_same((await store.load(snapshot_id)).readings, doubles(random_bits(2000, number), number))
    assert header.id == 1060
