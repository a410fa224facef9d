"""A set's file changes: earlier snapshots keep their members, and PVs keep their slots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from snapioc.model import Member, NewSnapshot, PvSet, Readings
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same, doubles, numbered, pv_set

from .conftest import url_of
from .sql import query


def of(pvs: PvSet) -> Readings:
    """A value that depends on the PV's name only, so that a mix-up shows."""
    return doubles(np.array([float(sum(pv.encode())) for pv in pvs.pvs]))


async def test_each_snapshot_keeps_the_version_it_was_taken_with(store: SqlStore, path: Path) -> None:
    versions = [
        pv_set(["A", "B", "C"]),
        pv_set(["NEW", "A", "B", "C"]),
        pv_set(["C", "A"]),
        pv_set(["C", "B", "A", "NEW", "LAST"]),
        PvSet("SR", (Member("A", readback="B"), Member("C", readback="A:RB"))),
        PvSet("SR", (Member("A", readback="B", abs_tol=0.1), Member("C", readback="A:RB"))),
    ]
    ids = [(await store.save(NewSnapshot(version, of(version)))).id for version in versions]
    other = SqlStore(url_of(path))
    await other.open(migrate=False)
    for source in (store, other):
        for snapshot_id, version in zip(ids, versions, strict=True):
            loaded = await source.load(snapshot_id)
            assert loaded.pv_set == version
            assert_same(loaded.readings, of(version))
    await other.close()


async def test_slots_stay_and_return(store: SqlStore, path: Path) -> None:
    for pvs in (["A", "B", "C"], ["NEW", "C"], ["B", "A", "LAST", "NEW"]):
        await store.save(NewSnapshot(pv_set(pvs), of(pv_set(pvs))))
    assert query(path, "SELECT pv, slot FROM slot ORDER BY slot") == [("A", 0), ("B", 1), ("C", 2), ("NEW", 3), ("LAST", 4)]


async def test_a_version_is_stored_once(store: SqlStore, path: Path) -> None:
    first, second = numbered(10), numbered(11)
    for version in (first, second, first, replace(first, members=tuple(first.members)), second):
        await store.save(NewSnapshot(version, of(version)))
    assert query(path, "SELECT id, members FROM set_version") == [(1, 10), (2, 11)]


async def test_sets_of_other_names_are_apart(store: SqlStore) -> None:
    for name, pvs in (("SR", ["A", "B"]), ("BR", ["B", "A"]), ("LINAC", ["A", "B"])):
        header = await store.save(NewSnapshot(pv_set(pvs, name), of(pv_set(pvs))))
        assert (await store.load(header.id)).pv_set == pv_set(pvs, name)


async def test_members_that_did_not_change_are_not_stored_again(store: SqlStore, path: Path) -> None:
    old = numbered(5 * 1024)
    new = replace(old, members=(Member("ONE:MORE"), *old.members))
    for version in (old, new):
        await store.save(NewSnapshot(version, of(version)))
    blocks = query(path, "SELECT first_slot, count(DISTINCT block_id) FROM set_block GROUP BY first_slot")
    assert blocks == [(0, 1), (1024, 1), (2048, 1), (3072, 1), (4096, 1), (5120, 1)]


async def test_more_versions_than_are_remembered(store: SqlStore) -> None:
    versions = [numbered(count) for count in range(1, 20)]
    ids = [(await store.save(NewSnapshot(version, of(version)))).id for version in versions]
    for snapshot_id, version in zip(ids, versions, strict=True):
        assert (await store.load(snapshot_id)).pv_set == version
