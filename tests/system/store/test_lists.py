from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from snapioc.model import (
    AUTOMATIC,
    BEFORE_RESTORE,
    MANUAL,
    Flag,
    Member,
    NewSnapshot,
    Origin,
    PvSet,
    ReadingsBuilder,
    Reason,
    SnapshotHeader,
    shown,
)
from snapioc.model import DbrType as T
from snapioc.store import SqlStore
from tests.unit.store.material import VALVE, doubles, numbered, pv_set


def snapshot(value: float = 1.0, name: str = "SR", **more: object) -> NewSnapshot:
    return replace(NewSnapshot(numbered(3, name), doubles(np.full(3, value))), **more)  # type: ignore[arg-type]


async def test_an_empty_store_has_no_newest(store: SqlStore) -> None:
    assert await store.newest() is None
    assert await store.newest(group="SR") is None
    assert await store.headers() == []


async def test_the_newest_of_all_leaves_out_undo_snapshots(store: SqlStore) -> None:
    await store.save(snapshot())
    automatic = await store.save(snapshot(kind="automatic"))
    await store.save(snapshot(kind=BEFORE_RESTORE, restores=1001))
    assert await store.newest() == automatic


async def test_the_newest_of_a_group_is_of_its_own_trigger(store: SqlStore) -> None:
    mine = await store.save(snapshot(origin=Origin(group="SR")))
    console = await store.save(snapshot(origin=Origin(group="")))
    await store.save(snapshot(origin=Origin(group="SR"), kind="automatic"))
    await store.save(snapshot(origin=Origin(group="BR"), name="BR"))
    await store.save(snapshot(origin=Origin(group="SR"), kind=BEFORE_RESTORE, restores=1001))
    assert await store.newest(group="SR") == mine
    assert await store.newest(group="") == console
    assert await store.newest(group="LINAC") is None


async def test_headers_come_newest_first(store: SqlStore) -> None:
    saved = [await store.save(snapshot(name=name, tags=(name, "all"))) for name in ("SR", "BR", "SR", "SR")]
    assert await store.headers() == saved[::-1]
    assert await store.headers(limit=2) == saved[:1:-1]
    assert await store.headers(set_name="SR") == [saved[3], saved[2], saved[0]]
    assert await store.headers(set_name="SR", limit=1) == [saved[3]]
    assert await store.headers(set_name="LINAC") == []


async def test_more_headers_than_one_query_asks_for(store: SqlStore) -> None:
    saved = [await store.save(snapshot(tags=(f"t{i}",))) for i in range(520)]
    assert await store.headers() == saved[::-1]


def of_everything(seed: int, pvs: PvSet) -> NewSnapshot:
    """A number, a state, texts of many lengths, waveforms of 20 kB, and one that is missing now and then."""
    rng = np.random.default_rng(seed)
    builder = ReadingsBuilder(len(pvs.pvs))
    for row, pv in enumerate(pvs.pvs):
        kind, number = pv.split(":")
        if kind == "NUMBER":
            builder.add(row, T.DOUBLE, seed + int(number), seconds=seed, nanoseconds=int(number), severity=seed % 3)
        elif kind == "STATE":
            builder.add(row, T.ENUM, seed % 3, metadata=VALVE)
        elif kind == "TEXT":
            builder.add(row, T.STRING, f"{pv} {seed}".encode() * (seed % 4), flags=Flag.LONG)
        elif kind == "WAVE":
            builder.add(row, T.DOUBLE, rng.random(2500))
        elif seed % 2:
            builder.missing(row, Reason.NO_ANSWER)
        else:
            builder.add(row, T.LONG, seed)
    return NewSnapshot(pvs, builder.build())


async def test_the_history_of_each_kind_of_pv_is_what_the_snapshots_hold(store: SqlStore) -> None:
    pvs = [f"{kind}:{i}" for i in range(300) for kind in ("NUMBER", "STATE", "TEXT", "WAVE", "GONE")]
    ids = []
    for seed in range(6):
        members = [Member(pv) for pv in pvs if not (pv == "WAVE:7" and seed in (2, 3))]
        members.insert(seed, Member(f"NUMBER:{1000 + seed}"))
        ids.append((await store.save(of_everything(seed, PvSet("SR", tuple(members))))).id)
    snapshots = [await store.load(i) for i in reversed(ids)]
    for pv in ("NUMBER:0", "NUMBER:299", "STATE:250", "TEXT:1", "TEXT:298", "WAVE:0", "WAVE:7", "WAVE:299", "GONE:4"):
        expected = [
            (each.header, repr(each.readings.reading(each.pv_set.rows[pv]))) for each in snapshots if pv in each.pv_set.rows
        ]
        found = await store.history(pv, 100, "SR")
        assert [(header, repr(reading)) for header, reading in found] == expected
        assert len(expected) == (4 if pv == "WAVE:7" else 6)


async def test_of_an_array_the_history_keeps_as_much_as_is_wanted(store: SqlStore) -> None:
    rng = np.random.default_rng(1)
    waves = [rng.random(300_000) for _ in range(6)]
    names = ("WAVE", "TEXTS", "TEXT")
    for wave in waves:
        builder = ReadingsBuilder(3)
        builder.add(0, T.DOUBLE, wave)
        builder.add(1, T.STRING, [b"one", b"two", b"three"])
        builder.add(2, T.STRING, b"a text")
        await store.save(NewSnapshot(pv_set(names), builder.build()))
    found = [reading for _, reading in await store.history("WAVE", 10, elements=7)]
    assert [reading.value.tolist() for reading in found] == [wave[:7].tolist() for wave in reversed(waves)]
    assert {(reading.count, shown(reading)[-8:]) for reading in found} == {(300_000, "(300000)")}
    whole = [reading.value.tolist() for _, reading in await store.history("WAVE", 10)]
    assert whole == [wave.tolist() for wave in reversed(waves)]
    texts = [(await store.history(name, 1, elements=2))[0][1].value for name in names[1:]]
    assert texts == [[b"one", b"two"], b"a text"]


async def test_history_of_a_long_array_takes_little_room(store: SqlStore) -> None:
    rng = np.random.default_rng(1)
    for _ in range(40):
        builder = ReadingsBuilder(1)
        builder.add(0, T.DOUBLE, rng.random(200_000))
        await store.save(NewSnapshot(pv_set(["WAVE"]), builder.build()))
    await store.history("WAVE", 1, elements=10)
    tracemalloc.start()
    try:
        assert len(await store.history("WAVE", 40, elements=10)) == 40
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


async def test_history_is_limited_and_of_one_set(store: SqlStore) -> None:
    for value in range(5):
        await store.save(snapshot(float(value)))
        await store.save(snapshot(-1.0, "BR"))
    pv = numbered(1).pvs[0]
    assert [reading.value for _, reading in await store.history(pv, 3, "SR")] == [4.0, 3.0, 2.0]
    assert [reading.value for _, reading in await store.history(pv, 2, "BR")] == [-1.0, -1.0]


async def test_history_over_all_sets_and_kinds(store: SqlStore) -> None:
    """In each set the PV lies elsewhere, and in one it had another name before."""
    sets = [pv_set(["X.VAL"], "BR"), pv_set([f"A{i}" for i in range(1500)] + ["X"], "BR"), pv_set(["A", "X"])]
    expected: list[tuple[SnapshotHeader, float]] = []
    for number in range(9):
        pvs, kind = sets[number % 3], (MANUAL, AUTOMATIC)[number % 2]
        values = np.zeros(len(pvs.pvs))
        values[-1] = number
        header = await store.save(NewSnapshot(pvs, doubles(values), kind=kind))
        expected.insert(0, (header, float(number)))
    await store.save(NewSnapshot(sets[2], doubles(np.ones(2)), kind=BEFORE_RESTORE, restores=1001))
    for name in ("X", "X.VAL", "X.VAL$"):
        assert [(header, reading.value) for header, reading in await store.history(name, 100)] == expected
        assert [(header, reading.value) for header, reading in await store.history(name, 4)] == expected[:4]
    in_br = [each for each in expected if each[0].set_name == "BR"]
    assert [(header, reading.value) for header, reading in await store.history("X", 100, "BR")] == in_br
    assert len(in_br) == 6


@pytest.mark.parametrize(("set_name", "pv"), [("SR", "NEVER:THERE"), ("LINAC", "SR:C000:MAG00:SETPOINT")])
async def test_the_history_of_an_unknown_pv_is_empty(store: SqlStore, set_name: str, pv: str) -> None:
    await store.save(snapshot())
    assert await store.history(pv, 10, set_name) == []
