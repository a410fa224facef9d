"""The journal of restores: what is recorded of them, what can be undone, and what must not be deleted."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snapioc.model import (
    AFTER_RESTORE,
    BEFORE_RESTORE,
    NewRestore,
    NewSnapshot,
    Origin,
    Outcomes,
    PvVerdict,
    RestoreEnd,
    RestoreRecord,
    StoreError,
    UnknownSnapshot,
)
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same, doubles, numbered

from .conftest import ANN, url_of
from .sql import hold_lock, query

SR, BR = numbered(3), numbered(4, "BR")
PARTIAL = Outcomes(
    np.array([0, 2], np.int32), np.array([PvVerdict.RESTORED, PvVerdict.CLAMPED], np.uint8), {2: "holds 10 instead of 12"}
)


def of(value: float, pvs: object = SR) -> NewSnapshot:
    known = BR if pvs is BR else SR
    return NewSnapshot(known, doubles(np.full(len(known.pvs), value)))


def ended(written: int, outcomes: Outcomes | None = None) -> RestoreEnd:
    return RestoreEnd("success", f"{written} written", written, outcomes or Outcomes())


async def restored(store: SqlStore, snapshot_id: int, written: int = 1, *, left: bool = False) -> RestoreRecord:
    """A restore of SR that has ended; it leaves a snapshot after it only if `left`."""
    begun = await store.begin_restore(NewRestore(snapshot_id, "SR"), SR, of(0.5))
    return await store.end_restore(begun.id, ended(written), of(0.75) if left else None)


async def test_a_restore_begins_with_its_way_back(store: SqlStore) -> None:
    saved = await store.save(of(1.0))
    new = NewRestore(saved.id, "SR", Origin("ann", "desk", "SR"), "*MAG00*", "Strict", changed_only=False, verify=False)
    before = time.time()
    begun = await store.begin_restore(new, SR, of(0.5))
    assert (begun.id, begun.new, begun.undo_id) == (1, new, saved.id + 1)
    assert (begun.ended_at, begun.result, begun.written, begun.after_id) == (None, "", 0, None)
    assert before <= begun.begun_at <= time.time()
    kept = await store.load(begun.undo_id or 0)
    assert (kept.header.kind, kept.header.restores) == (BEFORE_RESTORE, saved.id)
    assert_same(kept.readings, of(0.5).readings)
    assert await store.unfinished_restores() == [begun] == await store.restores()
    assert await store.undo_point("SR") is None


async def test_a_restore_ends_with_its_verdicts_and_what_it_left(store: SqlStore) -> None:
    saved = await store.save(of(1.0))
    begun = await store.begin_restore(NewRestore(saved.id, "SR", undoes=7), SR, of(0.5))
    end = RestoreEnd("partial", "1 of 2 written", 2, PARTIAL)
    record = await store.end_restore(begun.id, end, of(10.0))
    assert (
        replace(begun, ended_at=record.ended_at, result="partial", message=end.message, written=2, after_id=1003) == record
    )
    assert (record.ended_at or 0) >= record.begun_at
    left = await store.load(record.after_id or 0)
    assert (left.header.kind, left.header.restores, left.readings.value(0)) == (AFTER_RESTORE, saved.id, 10.0)
    assert await store.restore_record(begun.id) == record == await store.undo_point("SR")
    assert await store.unfinished_restores() == []
    known, pvs, outcomes = await store.outcomes(begun.id)
    assert (known, pvs) == (record, SR)
    assert (outcomes.rows.tolist(), outcomes.verdicts.tolist(), outcomes.texts) == ([0, 2], [0, 7], PARTIAL.texts)


async def test_what_ended_stays_as_it_is(store: SqlStore) -> None:
    saved = await store.save(of(1.0))
    first = await restored(store, saved.id)
    with pytest.raises(StoreError, match="restore 1 has ended before"):
        await store.end_restore(1, RestoreEnd("failed", "", 0), of(9.0))
    assert await store.restores() == [first]
    assert [header.id for header in await store.headers(undo=True)] == [first.undo_id, saved.id]


@pytest.mark.parametrize("restore_id", [0, -1, 2, 2**31, 2**70])
async def test_an_unknown_restore(store: SqlStore, restore_id: int) -> None:
    await restored(store, (await store.save(of(1.0))).id)
    for attempt in (
        store.restore_record(restore_id),
        store.outcomes(restore_id),
        store.end_restore(restore_id, ended(1), of(9.0)),
    ):
        with pytest.raises(StoreError, match=f"^there is no restore {restore_id}$"):
            await attempt
    assert len(await store.headers(undo=True)) == 2


async def test_a_restore_of_nothing_is_not_recorded(store: SqlStore) -> None:
    with pytest.raises(UnknownSnapshot, match="there is no snapshot 1001"):
        await store.begin_restore(NewRestore(1001, "SR"), SR, of(0.5))
    assert await store.restores() == []
    assert await store.headers(undo=True) == []


async def test_way_back_and_record_come_together_or_not_at_all(store: SqlStore, path: Path) -> None:
    saved = await store.save(of(1.0))
    lock = hold_lock(path)
    with pytest.raises(StoreError, match="locked"):
        await store.begin_restore(NewRestore(saved.id, "SR"), SR, of(0.5))
    lock.close()
    query(path, "CREATE TRIGGER no BEFORE INSERT ON restore BEGIN SELECT RAISE(ABORT, 'no restores today'); END")
    with pytest.raises(StoreError, match="no restores today"):
        await store.begin_restore(NewRestore(saved.id, "SR"), SR, of(0.5))
    query(path, "DROP TRIGGER no")
    assert await store.headers(undo=True) == [saved]
    begun = await store.begin_restore(NewRestore(saved.id, "SR"), SR, of(0.5))
    query(path, "CREATE TRIGGER no BEFORE UPDATE ON restore BEGIN SELECT RAISE(ABORT, 'no end today'); END")
    with pytest.raises(StoreError, match="no end today"):
        await store.end_restore(begun.id, ended(1), of(9.0))
    query(path, "DROP TRIGGER no")
    assert await store.unfinished_restores() == [begun]
    assert [header.kind for header in await store.headers(undo=True)] == [BEFORE_RESTORE, "manual"]
    assert (await store.end_restore(begun.id, ended(1), of(9.0))).written == 1


async def test_a_restore_that_never_came_to_write(store: SqlStore) -> None:
    saved = await store.save(of(1.0))
    begun = await store.begin_restore(NewRestore(saved.id, "SR"), SR)
    assert (begun.undo_id, (await store.outcomes(begun.id))[1]) == (None, SR)
    refused = Outcomes(np.array([1], np.int32), np.array([PvVerdict.CANNOT], np.uint8), {1: "no write access"})
    record = await store.end_restore(begun.id, RestoreEnd("failed", "nothing was written", 0, refused))
    assert (record.undo_id, record.after_id, record.written) == (None, None, 0)
    assert (await store.outcomes(begun.id))[2].texts == refused.texts
    assert await store.undo_point("SR") is None


async def test_only_what_wrote_and_has_ended_can_be_undone(store: SqlStore) -> None:
    saved = await store.save(of(1.0))
    other = await store.save(of(2.0, BR))
    point = await restored(store, saved.id, written=2)
    await restored(store, saved.id, written=0)
    nothing_kept = await store.begin_restore(NewRestore(saved.id, "SR"), SR)
    await store.end_restore(nothing_kept.id, ended(1))
    elsewhere = await store.begin_restore(NewRestore(other.id, "BR"), BR, of(0.5, BR))
    await store.end_restore(elsewhere.id, ended(4))
    interrupted = await store.begin_restore(NewRestore(saved.id, "SR"), SR, of(0.25))
    assert await store.undo_point("SR") == point
    assert (await store.undo_point("BR") or point).id == elsewhere.id
    assert await store.undo_point("LINAC") is None
    recovered = await store.end_restore(interrupted.id, RestoreEnd("interrupted", "1 of 3", 1))
    assert await store.undo_point("SR") == recovered


async def test_the_list_is_newest_first(store: SqlStore) -> None:
    saved, other = await store.save(of(1.0)), await store.save(of(2.0, BR))
    records = [await restored(store, saved.id) for _ in range(3)]
    records.append(await store.begin_restore(NewRestore(other.id, "BR"), BR, of(0.5, BR)))
    assert await store.restores() == records[::-1]
    assert await store.restores(limit=2) == records[:1:-1]
    assert await store.restores(set_name="SR") == records[2::-1]
    assert await store.restores(set_name="SR", limit=1) == [records[2]]
    assert await store.restores(set_name="LINAC") == []


async def test_snapshots_of_restores_are_in_no_list_unless_asked_for(store: SqlStore) -> None:
    saved = await store.save(of(1.0))
    record = await restored(store, saved.id, left=True)
    assert await store.newest() == saved
    assert await store.headers() == await store.headers(set_name="SR", limit=9) == [saved]
    assert [header.id for header in await store.headers(undo=True)] == [record.after_id, record.undo_id, saved.id]
    assert [header.id for header, _ in await store.history(SR.pvs[0], 1)] == [saved.id]


async def test_what_undo_needs_is_not_deleted(store: SqlStore) -> None:
    first, second = await store.save(of(1.0)), await store.save(of(2.0))
    record = await restored(store, first.id, left=True)
    for needed in (first.id, record.undo_id, record.after_id):
        with pytest.raises(
            StoreError, match=rf"^snapshot {needed} cannot be deleted: restore 1 could not be undone .*set SR"
        ):
            await store.delete(needed or 0, ANN)
    other = await store.save(of(2.0, BR))
    elsewhere = await store.begin_restore(NewRestore(other.id, "BR"), BR, of(0.5, BR))
    await store.end_restore(elsewhere.id, ended(4))
    await restored(store, second.id, written=0)
    with pytest.raises(StoreError, match="restore 1 could not be undone"):  # neither another set nor an empty one counts
        await store.delete(record.undo_id or 0, ANN)
    await restored(store, second.id)
    for needed in (first.id, record.undo_id, record.after_id):
        await store.delete(needed or 0, ANN)
    assert await store.restore_record(1) == record
    assert (await store.outcomes(1))[0] == record


async def test_what_a_recovery_needs_is_not_deleted(store: SqlStore) -> None:
    saved = await store.save(of(1.0))
    begun = await store.begin_restore(NewRestore(saved.id, "SR"), SR, of(0.5))
    for needed in (saved.id, begun.undo_id):
        with pytest.raises(StoreError, match=f"^snapshot {needed} cannot be deleted: restore 1 has not ended$"):
            await store.delete(needed or 0, ANN)
    await store.end_restore(begun.id, ended(0))
    await store.delete(saved.id, ANN)


async def test_an_id_is_never_used_again(store: SqlStore, path: Path) -> None:
    saved = await store.save(of(1.0))
    for _ in range(3):
        await restored(store, saved.id)
    await store.close()
    query(path, "DELETE FROM restore")
    await store.open(migrate=True)
    assert (await restored(store, saved.id)).id == 4


async def test_the_outcomes_keep_the_set_as_it_was(store: SqlStore, path: Path) -> None:
    saved = await store.save(of(1.0))
    await restored(store, saved.id)
    changed = numbered(5)
    await store.save(NewSnapshot(changed, doubles(np.ones(5))))
    for needed in await store.headers():
        if needed.id != saved.id:
            await store.delete(needed.id, ANN)
    other = SqlStore(url_of(path))
    await other.open(migrate=False)
    assert (await other.outcomes(1))[1] == SR
    await other.close()


async def test_forty_thousand_outcomes(store: SqlStore, path: Path) -> None:
    count = 40_000
    pvs = numbered(count)
    saved = await store.save(NewSnapshot(pvs, doubles(np.ones(count))))
    begun = await store.begin_restore(NewRestore(saved.id, "SR"), pvs)
    rng = np.random.default_rng(0)
    rows = np.flatnonzero(rng.random(count) < 0.9).astype(np.int32)
    verdicts = rng.integers(0, len(PvVerdict), len(rows)).astype(np.uint8)
    texts = {row: f"reads {rng.random()} instead of 1.0" for row in rows[::3].tolist()}
    await store.end_restore(begun.id, ended(1, Outcomes(rows, verdicts, texts)))
    other = SqlStore(url_of(path))
    await other.open(migrate=False)
    _, known, outcomes = await other.outcomes(begun.id)
    assert known == pvs
    assert outcomes.rows.tobytes() == rows.tobytes()
    assert outcomes.verdicts.tobytes() == verdicts.tobytes()
    assert outcomes.texts == texts
    await other.close()


async def test_any_texts_can_be_stored(store: SqlStore) -> None:
    saved = await store.save(of(1.0))
    new = NewRestore(saved.id, "SR", Origin("\udcff\0ann", "h\0st", "SR"), "*\udcff\0*")
    begun = await store.begin_restore(new, SR, of(0.5))
    record = await store.end_restore(begun.id, RestoreEnd("success", "\0a\udcff", 1))
    assert (record.new.origin.user, record.new.origin.host, record.new.filter) == ("?ann", "hst", "*?*")
    assert record.message == "a?"


async def test_damaged_outcomes_name_the_restore(store: SqlStore, path: Path) -> None:
    record = await restored(store, (await store.save(of(1.0))).id)
    query(path, "UPDATE restore SET outcomes = CAST(substr(outcomes, 1, 9) || x'ff00ff' AS BLOB)")
    with pytest.raises(StoreError, match="^the outcomes of restore 1 are damaged in the store: a block cannot be unpacked"):
        await store.outcomes(1)
    assert await store.restores() == [record]


async def test_a_store_opened_for_reading_is_not_written(store: SqlStore) -> None:
    saved = await store.save(of(1.0))
    done = await restored(store, saved.id)
    begun = await store.begin_restore(NewRestore(saved.id, "SR"), SR, of(0.5))
    await store.open(migrate=False)
    assert await store.restores() == [begun, done]
    assert await store.unfinished_restores() == [begun]
    for refused in (
        store.begin_restore(NewRestore(saved.id, "SR"), SR, of(0.5)),
        store.end_restore(begun.id, ended(1)),
    ):
        with pytest.raises(StoreError, match="opened for reading only"):
            await refused


@pytest.mark.parametrize(
    ("question", "index"),
    [
        ("SELECT id FROM restore WHERE set_id = 1 AND written > 0 ORDER BY id DESC LIMIT 1", "ix_restore_set_id_id"),
        ("SELECT id FROM restore WHERE ended_at IS NULL", "ix_restore_ended_at"),
    ],
)
async def test_what_is_asked_at_each_start_has_an_index(store: SqlStore, path: Path, question: str, index: str) -> None:
    plan = str(query(path, f"EXPLAIN QUERY PLAN {question}"))
    assert index in plan
    assert "B-TREE" not in plan


async def test_a_restore_may_have_begun_although_the_store_failed(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """`operations.records` looks for it among the unfinished ones."""
    saved = await store.save(of(1.0))
    looks = iter([True, False])  # at the beginning, and after the commit
    monkeypatch.setattr(type(store._database), "in_place", property(lambda _: next(looks, True)))
    with pytest.raises(StoreError, match="was removed or replaced"):
        await store.begin_restore(NewRestore(saved.id, "SR"), SR, of(0.5))
    monkeypatch.undo()
    (record,) = await store.unfinished_restores()
    assert (record.id, record.undo_id) == (1, 1002)
    await store.end_restore(record.id, ended(0))
    assert await store.unfinished_restores() == []
