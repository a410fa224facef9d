"""What a snapshot adds to the file (issue 3, "Done when" 5): sizes, not times, so they hold on any machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from snapioc.model import DbrType, NewSnapshot, ReadingsBuilder
from snapioc.store import SqlStore
from tests.unit.store.material import doubles, numbered, random_bits

from .sql import query, size

COUNT = 40_000


async def test_an_unchanged_snapshot_costs_next_to_nothing(store: SqlStore, path: Path) -> None:
    snapshot = NewSnapshot(numbered(COUNT), doubles(random_bits(COUNT, 0)))
    await store.save(snapshot)
    before = size(path)
    for _ in range(10):
        await store.save(snapshot)
    assert (size(path) - before) / 10 < 16_000


async def test_all_new_noise_costs_little_more_than_its_bits(store: SqlStore, path: Path) -> None:
    pvs = numbered(COUNT)
    await store.save(NewSnapshot(pvs, doubles(random_bits(COUNT, 0))))
    before = size(path)
    for second in range(1, 6):
        await store.save(NewSnapshot(pvs, doubles(random_bits(COUNT, second), 1_000_000 + second, second)))
    assert (size(path) - before) / 5 / COUNT < 14


async def test_times_that_cross_a_second_cost_little_more(store: SqlStore, path: Path) -> None:
    pvs = numbered(COUNT)
    await store.save(NewSnapshot(pvs, doubles(random_bits(COUNT, 0))))
    before = size(path)
    for seed in range(1, 6):
        readings = doubles(random_bits(COUNT, seed), seed=seed)
        seconds = np.random.default_rng(seed).integers(2_000_000 + seed, 2_000_002 + seed, COUNT).astype("<u4")
        await store.save(NewSnapshot(pvs, replace(readings, seconds=seconds)))
    assert (size(path) - before) / 5 / COUNT < 14


async def test_a_blocks_content_is_stored_once_over_all_sets(store: SqlStore, path: Path) -> None:
    for name in ("SR", "BR"):
        await store.save(NewSnapshot(numbered(2000, name), doubles(np.ones(2000))))
    assert query(path, "SELECT count(*) FROM snapshot_block") == [(2 * 12,)]
    assert query(path, "SELECT count(*) - count(DISTINCT digest) FROM block") == [(0,)]
    assert query(path, "SELECT count(DISTINCT block_id) < 12 FROM snapshot_block") == [(1,)]


async def test_one_waveform_that_changed_does_not_store_the_others_again(store: SqlStore, path: Path) -> None:
    def readings(changed: float) -> NewSnapshot:
        builder = ReadingsBuilder(100)
        for row in range(100):
            builder.add(row, DbrType.DOUBLE, random_bits(2000, row) if row else np.full(2000, changed))
        return NewSnapshot(numbered(100), builder.build())

    await store.save(readings(0.0))
    before = size(path)
    for value in range(1, 11):
        await store.save(readings(float(value)))
    assert (size(path) - before) / 10 < 100_000  # of 1.6 MB
