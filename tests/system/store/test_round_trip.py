from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snapioc.model import (
    BEFORE_RESTORE,
    FIRST_ID,
    DbrType,
    Member,
    Metadata,
    Mode,
    NewSnapshot,
    OnInvalid,
    Origin,
    PvSet,
    ReadingsBuilder,
    Reason,
    StoreError,
)
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same, doubles, everything, numbered, pv_set

from .conftest import ANN, url_of


def full() -> NewSnapshot:
    members = [Member(f"PV{i}") for i in range(len(everything()) - 1)]
    members[0] = Member(
        "PV0", "PV0:RB", 0.1, 1e-3, Mode.READ_ONLY, 3, True, 2.5, 0.1, True, True, OnInvalid.WRITE, ("ä", 'quo"te\n')
    )
    return NewSnapshot(
        pv_set=PvSet("SR", tuple(members)),
        readings=everything(),
        title="before shutdown ⚡",
        comment="two\nlines",
        tags=("golden", "beam", "golden"),
        origin=Origin("operator", "console1", "SR"),
    )


async def test_everything_comes_back_from_another_process(store: SqlStore, path: Path) -> None:
    saved = await store.save(full())
    other = SqlStore(url_of(path))
    await other.open(migrate=False)
    loaded = await other.load(saved.id)
    await other.close()
    assert loaded.header == saved == await store.header(saved.id)
    assert loaded.pv_set == full().pv_set
    assert loaded.pv_set.digest == full().pv_set.digest
    assert_same(loaded.readings, everything())


async def test_the_header_says_what_was_saved(store: SqlStore) -> None:
    header = await store.save(full())
    readings = everything()
    assert header.id == FIRST_ID
    assert (header.set_name, header.set_digest) == ("SR", full().pv_set.digest)
    # What was not asked for, here one PV, is not missing and counts nowhere.
    assert (header.total, header.ok, header.invalid, header.missing) == (len(readings) - 1, 16, 1, len(Reason) - 2)
    assert (header.taken_at, header.skew) == (readings.started, readings.finished - readings.started)
    assert header.tags == ("golden", "beam")
    assert header.origin == Origin("operator", "console1", "SR")
    assert header.restores is None


async def test_a_snapshot_before_a_restore_says_of_which(store: SqlStore) -> None:
    header = await store.save(replace(full(), kind=BEFORE_RESTORE, restores=FIRST_ID))
    assert (header.kind, header.restores) == (BEFORE_RESTORE, FIRST_ID)
    assert await store.header(header.id) == header


async def test_text_that_no_database_takes_does_not_cost_the_snapshot(store: SqlStore) -> None:
    header = await store.save(replace(full(), title="a\0b", origin=Origin("\udcff", "host")))
    assert (header.title, header.origin.user) == ("ab", "?")
    assert await store.header(header.id) == header


async def test_a_set_of_nothing(store: SqlStore) -> None:
    header = await store.save(NewSnapshot(pv_set([]), ReadingsBuilder(0).build()))
    assert len((await store.load(header.id)).readings) == 0


async def test_metadata_of_a_later_snapshot_is_its_own(store: SqlStore, path: Path) -> None:
    ids = []
    for precision in (1, 2, 1):
        builder = ReadingsBuilder(3)
        for row in range(3):
            builder.add(row, DbrType.DOUBLE, 1.0, metadata=Metadata(f"u{row}", precision) if row else None)
        ids.append((await store.save(NewSnapshot(numbered(3), builder.build()))).id)
    other = SqlStore(url_of(path))
    await other.open(migrate=False)
    snapshots = [await other.load(i) for i in ids]
    await other.close()
    found = [[snapshot.readings.reading(row).metadata for row in range(3)] for snapshot in snapshots]
    assert found == [[Metadata(), Metadata("u1", p), Metadata("u2", p)] for p in (1, 2, 1)]


async def test_readings_must_fit_the_set(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="set SR has 3 PVs, but 2 readings"):
        await store.save(NewSnapshot(numbered(3), doubles(np.ones(2))))
    assert await store.headers() == []


async def test_a_set_with_a_pv_twice_is_refused(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="set SR names a PV twice"):
        await store.save(NewSnapshot(pv_set(["A", "A"]), doubles(np.ones(1))))


@pytest.mark.parametrize("unknown", [0, -1, 1, 1001, 2**31, 2**63, 2**70])
async def test_unknown_ids(store: SqlStore, unknown: int) -> None:
    for ask in (store.load, store.header, store.events, lambda unknown: store.delete(unknown, ANN)):
        with pytest.raises(StoreError, match=f"there is no snapshot {unknown}$"):
            await ask(unknown)
