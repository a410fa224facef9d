"""Finding snapshots: every filter alone and with others, pages, and what it costs when most of the store is automatic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snapioc.model import (
    AFTER_RESTORE,
    AUTOMATIC,
    BEFORE_RESTORE,
    MANUAL,
    NewRestore,
    NewSnapshot,
    Page,
    PvSet,
    RestoreEnd,
    SnapshotHeader,
    StoreError,
    Wanted,
)
from snapioc.store import SqlStore
from tests.unit.store.material import doubles, numbered, pv_set

from .sql import query

ALL = (MANUAL, AUTOMATIC)


def of(pvs: PvSet, second: int = 1, **more: object) -> NewSnapshot:
    return NewSnapshot(pvs, doubles(np.full(len(pvs.pvs), 1.0), second), **more)  # type: ignore[arg-type]


async def ids(store: SqlStore, **wanted: object) -> list[int]:
    page = await store.find(Wanted(**wanted), limit=1000)  # type: ignore[arg-type]
    assert page.count == len(page.headers)
    return [header.id for header in page.headers]


async def test_pages_follow_each_other(store: SqlStore) -> None:
    saved: list[SnapshotHeader] = []
    for number in range(50):
        kind = (MANUAL, AUTOMATIC, BEFORE_RESTORE)[number % 3]
        saved.insert(0, await store.save(of(numbered(2), kind=kind, tags=(f"t{number}", "all"))))
    for kinds in ((MANUAL,), ALL, (MANUAL, MANUAL), (BEFORE_RESTORE, AFTER_RESTORE), ()):
        expected = [header for header in saved if header.kind in kinds or not kinds]
        pages = [await store.find(Wanted(kinds), offset=offset, limit=7) for offset in range(0, 63, 7)]
        assert [header for page in pages for header in page.headers] == expected
        assert {page.count for page in pages} == {len(expected)}
    assert await store.find(Wanted(), offset=1000) == Page((), 17)


async def test_a_list_stands_still_while_others_save(store: SqlStore) -> None:
    first = [(await store.save(of(numbered(2)))).id for _ in range(3)]
    later = [(await store.save(of(numbered(2), kind=kind))).id for kind in (MANUAL, AUTOMATIC, MANUAL)]
    page = await store.find(Wanted(), upto=first[-1], limit=2)
    assert ([header.id for header in page.headers], page.count) == ([first[2], first[1]], 3)
    assert await store.newer(Wanted(), first[-1]) == 2
    assert await store.newer(Wanted(ALL), first[-1]) == 3
    assert await store.newer(Wanted(), later[-1]) == 0
    assert await store.newer(Wanted(set_name="NONE"), 0) == 0


TITLES = ("Before Shutdown", "100% of 3_GeV", "übung macht\nden MEISTER", "[a-c] *?", "", "STRASSE", "x" * 3000 + "END")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("shutdown", [0]),
        ("E S", [0]),
        ("%", [1]),
        ("3_g", [1]),
        ("3?G", []),
        ("_", [1]),
        ("ÜBUNG", [2]),
        ("Übung*meister", [2]),
        ("before*", [0]),
        ("shut*", []),
        ("*DOWN", [0]),
        ("*[0-9]%*", [1]),
        ("[!b]*[!n]", [1, 2, 3, 5, 6]),
        ("[[]a-c]*", [3]),
        ("[[]A-C] [*][?]", [3]),
        ("\\", []),
        (".", []),
        ("(", []),
        ("'; DROP TABLE snapshot; --", []),
        ("\x00\ud800", []),
        ("*", [0, 1, 2, 3, 4, 5, 6]),
        ("?*", [0, 1, 2, 3, 5, 6]),
        ("[", []),
        ("*end", [6]),
        ("*x*x*x*x*x*x*x*x*x*x*x*x*x*x*x*y", []),
    ],
)
async def test_titles(store: SqlStore, title: str, expected: list[int]) -> None:
    saved = [(await store.save(of(numbered(1), title=title))).id for title in TITLES]
    assert await ids(store, title=title) == [saved[place] for place in reversed(expected)]


async def test_tags_and_sets_are_whole(store: SqlStore) -> None:
    first = await store.save(of(numbered(2), tags=("golden", "user")))
    second = await store.save(of(numbered(2, "BR"), tags=("golden run",)))
    assert await ids(store, tag="golden") == [first.id]
    assert await ids(store, tag="golden run") == [second.id]
    assert await ids(store, tag="gold*") == await ids(store, tag="Golden") == []
    assert await ids(store, set_name="BR") == [second.id]
    assert await ids(store, set_name="br") == await ids(store, set_name="%") == []
    assert await ids(store, tag="golden", set_name="BR") == []


async def test_times_have_both_ends_included(store: SqlStore) -> None:
    headers = [await store.save(of(numbered(2), second)) for second in (3, 1, 2)]
    times = [header.taken_at for header in headers]
    assert await ids(store, since=times[2]) == [headers[2].id, headers[0].id]
    assert await ids(store, until=times[2]) == [headers[2].id, headers[1].id]
    assert await ids(store, since=times[2], until=times[2]) == [headers[2].id]
    assert await ids(store, since=0.0, until=float("inf")) == [header.id for header in reversed(headers)]
    assert await ids(store, since=times[0], until=times[1]) == []


async def test_all_filters_at_once(store: SqlStore) -> None:
    wanted = await store.save(of(numbered(2), 5, title="the one", tags=("t",), kind=AUTOMATIC))
    for other in ({"title": "no"}, {"tags": ()}, {"kind": MANUAL}):
        await store.save(of(numbered(2), 5, **{"title": "the one", "tags": ("t",), "kind": AUTOMATIC, **other}))
    await store.save(of(numbered(2), 6, title="the one", tags=("t",), kind=AUTOMATIC))
    await store.save(of(pv_set(["A", "B"]), 5, title="the one", tags=("t",), kind=AUTOMATIC))
    await store.save(of(numbered(2, "BR"), 5, title="the one", tags=("t",), kind=AUTOMATIC))
    at = wanted.taken_at
    pv = numbered(2).pvs[1]
    filters = {"title": "THE", "tag": "t", "set_name": "SR", "since": at, "until": at, "pv": pv}
    assert await ids(store, kinds=(AUTOMATIC,), **filters) == [wanted.id]


async def test_a_pv_is_looked_for_in_the_set_as_it_was(store: SqlStore) -> None:
    versions = [["A", "B"], ["NEW", "B"], ["C", "A"]]
    saved = [await store.save(of(pv_set(pvs))) for pvs in versions]
    other = await store.save(of(pv_set(["B", "A"], "BR")))
    assert await ids(store, pv="A") == [other.id, saved[2].id, saved[0].id]
    assert await ids(store, pv="B") == [other.id, saved[1].id, saved[0].id]
    assert await ids(store, pv="A", set_name="SR") == [saved[2].id, saved[0].id]
    assert await ids(store, pv="NEVER") == await ids(store, pv="A", set_name="NONE") == await ids(store, pv="*") == []
    later = await store.save(of(pv_set(["NEW", "LATE"])))  # a version that was not there when it was asked for before
    assert await ids(store, pv="NEW") == [later.id, saved[1].id]


@pytest.mark.parametrize("asked", ["X", "X.VAL", "X.VAL$", "X$", "X."])
async def test_a_pv_has_many_names(store: SqlStore, asked: str) -> None:
    names = ["X", "X.VAL", "X$", "X.VAL$", "X."]
    saved = [(await store.save(of(pv_set(["A", name])))).id for name in names]
    await store.save(of(pv_set(["X.DESC", "XX", "x"])))
    assert await ids(store, pv=asked) == saved[::-1]


async def test_a_pv_that_a_restore_did_not_ask_for_is_not_in_its_snapshots(store: SqlStore) -> None:
    pvs = numbered(2000)
    saved = await store.save(of(pvs))
    for rows in ([3, 1500], [4], [3, 4]):
        part = doubles(np.ones(len(rows))).spread(rows, 2000)
        begun = await store.begin_restore(NewRestore(saved.id, "SR"), pvs, NewSnapshot(pvs, part))
        await store.end_restore(begun.id, RestoreEnd("success", "", len(rows)))
    undo = (BEFORE_RESTORE, AFTER_RESTORE)
    for row, expected in ((3, [1004, 1002]), (1500, [1002]), (4, [1004, 1003]), (5, [])):
        assert await ids(store, kinds=undo, pv=pvs.pvs[row]) == expected
        assert await ids(store, kinds=(), pv=pvs.pvs[row]) == [*expected, saved.id]
        assert await ids(store, kinds=(), pv=pvs.pvs[row], tag="t") == []
        assert await ids(store, pv=pvs.pvs[row]) == [saved.id]


async def test_a_damaged_version_is_told(store: SqlStore, path: Path) -> None:
    await store.save(of(numbered(2)))
    await store.close()
    query(path, "UPDATE set_version SET slots = x'00'")
    await store.open(migrate=False)
    with pytest.raises(
        StoreError, match="^which snapshots hold SR:C000:MAG00:SETPOINT cannot be told, the store is damaged"
    ):
        await store.find(Wanted(pv=numbered(1).pvs[0]))


def plan(path: Path, statement: str) -> str:
    return " / ".join(str(row[-1]) for row in query(path, f"EXPLAIN QUERY PLAN {statement}"))


def filled(path: Path, kinds: Sequence[str], count: int) -> None:
    """As many rows again as there would be after so many saves of the only snapshot."""
    for kind in kinds:
        query(
            path,
            "WITH RECURSIVE more(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < " + str(count) + ") "
            "INSERT INTO snapshot (version_id, set_id, kind, taken_at, finished_at, title, comment, by_user, by_host, "
            f"by_group, total, ok, invalid) SELECT version_id, set_id, '{kind}', taken_at, finished_at, title, comment, "
            "by_user, by_host, by_group, total, ok, invalid FROM snapshot, more WHERE snapshot.id = 1001",
        )


async def traced(store: SqlStore, wanted: Wanted) -> str:
    """The statement that looks for the ids of a page."""
    statements: list[str] = []
    for callback in (statements.append, None):
        assert store._database
        async with store._database.read() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            await raw.set_trace_callback(callback)
        await store.find(wanted)
    (listing,) = (each for each in statements if "ORDER BY snapshot" not in each and "LIMIT" in each)
    return listing


async def test_lists_are_served_by_indexes(store: SqlStore, path: Path) -> None:
    """Plans, not times: nothing is sorted, no row is looked at only to find out that it is of another kind."""
    await store.save(of(numbered(2)))
    filled(path, [MANUAL], 300)
    filled(path, [AUTOMATIC], 3000)
    for wanted in (
        Wanted(),
        Wanted(ALL),
        Wanted(set_name="SR"),
        Wanted(ALL, set_name="SR"),
        Wanted(since=0.0),
        Wanted(ALL, pv=numbered(1).pvs[0]),
    ):
        found = plan(path, await traced(store, wanted))
        assert "USE TEMP B-TREE" not in found, found
        assert "COVERING INDEX ix_snapshot_" in found, found
        assert "SCAN snapshot" not in found, found
