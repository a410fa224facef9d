"""kill -9 at random moments between the begin and the end of restores: SNAPIOC_KILL_ROUNDS=200 before a release."""

from __future__ import annotations

import os
import random
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from snapioc.model import AFTER_RESTORE, BEFORE_RESTORE, RestoreEnd, RestoreRecord
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same

from .conftest import url_of
from .restorer import PVS, outcomes, start, values
from .sql import query

ROUNDS = int(os.environ.get("SNAPIOC_KILL_ROUNDS", "6"))


@dataclass
class Said:
    """What the killed programs said, over all rounds: per restore the number that its content follows from."""

    begun: dict[int, int] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)

    def hear(self, line: str) -> None:
        what, *numbers = line.split()
        restore_id, seed = map(int, numbers)
        if what == "begun":
            assert restore_id > max(self.begun, default=0), "an id was used twice"
        getattr(self, what)[restore_id] = seed


def one_round(path: Path, said: Said, number: int) -> None:
    child = start(path, 10_000 * number)
    assert child.stdout
    assert child.stdout.readline() == "open\n"
    time.sleep(random.Random(number).uniform(0.0, 0.3))
    kill(child, said)


def kill(child: subprocess.Popen[str], said: Said) -> None:
    child.kill()
    rest, _ = child.communicate()
    assert child.returncode == -9
    for line in rest.splitlines(keepends=True):
        if line.endswith("\n"):
            said.hear(line)


async def check_record(store: SqlStore, record: RestoreRecord) -> None:
    """It has its way back; and either all that its end brought, or nothing of it."""
    seed = int(record.new.filter)
    before = await store.load(record.undo_id or 0)
    assert (before.header.kind, before.header.restores) == (BEFORE_RESTORE, record.new.snapshot_id)
    assert_same(before.readings, values(seed).readings)
    _, pvs, found = await store.outcomes(record.id)
    assert pvs == PVS
    expected = outcomes(seed)
    if record.result != "success":
        assert (len(found), record.after_id) == (0, None)
        return
    assert (found.rows.tolist(), found.texts) == (expected.rows.tolist(), expected.texts)
    assert (record.after_id is not None) == bool(seed % 2)
    if record.after_id:
        left = await store.load(record.after_id)
        assert left.header.kind == AFTER_RESTORE
        assert_same(left.readings, values(seed + 1_000_000).readings)


async def check(path: Path, said: Said, since: int) -> list[RestoreRecord]:
    """What was interrupted by the last kill, which is ended now, as the recovery at a start would."""
    store = SqlStore(url_of(path))
    await store.open(migrate=True)
    records = {record.id: record for record in await store.restores()}
    unfinished = await store.unfinished_restores()
    assert len(unfinished) <= 1
    assert set(said.begun) <= set(records)
    assert all(records[restore_id].ended_at is not None for restore_id in said.ended)
    for record in records.values():
        if record.id >= since:
            await check_record(store, record)
    kept = {record.undo_id for record in records.values()} | {record.after_id for record in records.values()}
    of_restores = {header.id for header in await store.headers(undo=True)} - {header.id for header in await store.headers()}
    assert of_restores == kept - {None}
    for record in unfinished:
        ended = await store.end_restore(record.id, RestoreEnd("interrupted", "", 1))
        assert await store.undo_point("SR") == ended
    await store.close()
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []
    return unfinished


@pytest.mark.timeout(60 + 20 * ROUNDS)
async def test_no_restore_is_lost_by_a_kill(path: Path) -> None:
    said = Said()
    for number in range(ROUNDS):
        since = max(said.begun, default=0)
        one_round(path, said, number)
        await check(path, said, since)
    await check(path, said, 0)
    assert said.ended


async def test_a_restore_killed_while_it_writes_is_found_unfinished(path: Path) -> None:
    said = Said()
    child = start(path, 1, pause=3600)
    assert child.stdout
    assert child.stdout.readline() == "open\n"
    said.hear(child.stdout.readline())
    kill(child, said)
    assert [record.id for record in await check(path, said, 0)] == list(said.begun) == [1]
    assert await check(path, said, 0) == []
