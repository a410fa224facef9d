"""kill -9 at random moments of saving, deleting and pruning (issue 2, "Done when" 4): SNAPIOC_KILL_ROUNDS=200 to release."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from snapioc.model import AUTOMATIC, SnapshotHeader, StoreError
from snapioc.store import SqlStore
from tests.unit.store.material import assert_same

from .conftest import tidy_up, url_of
from .saver import events, snapshot, start
from .sql import query

ROUNDS = int(os.environ.get("SNAPIOC_KILL_ROUNDS", "8"))


@dataclass
class Said:
    """What the killed programs said, over all rounds."""

    saved: dict[int, int] = field(default_factory=dict)
    deleting: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)

    def hear(self, line: str) -> None:
        what, *numbers = line.split()
        if what == "saved":
            new_id, seed = map(int, numbers)
            assert new_id > max(self.saved, default=1000), "an id was used twice"
            self.saved[new_id] = seed
        elif what in ("deleting", "deleted"):
            getattr(self, what).add(int(numbers[0]))


def one_round(path: Path, said: Said, number: int) -> None:
    child = start("save", path, str(1000 * number))
    assert child.stdout
    assert child.stdout.readline() == "open\n"
    chance = random.Random(number)
    lines = [child.stdout.readline() for _ in range(chance.randrange(16))]
    time.sleep(chance.uniform(0.0, 0.05))
    child.kill()
    with child.stdout:
        lines += child.stdout.readlines()  # not communicate(), which loses what readline() has read ahead
    assert child.wait() == -9
    for line in lines:
        if line.endswith("\n"):
            said.hear(line)


async def check(path: Path, said: Said, since: int) -> None:
    """Every snapshot that was acknowledged is there and whole, and so is every one that is visible at all."""
    store = SqlStore(url_of(path))
    await store.open(migrate=True)
    headers = {header.id: header for header in await store.headers()}
    automatic = [header.id for header in headers.values() if header.kind == AUTOMATIC]
    assert len(automatic) <= 2, "pruning leaves one, and one may have come since"
    assert set(said.saved) - said.deleting <= set(headers)
    assert not said.deleted & set(headers)
    for header in headers.values():
        if header.id >= since:
            loaded = await store.load(header.id)
            expected = snapshot(said.saved.get(header.id, int(header.title)))
            assert loaded.pv_set == expected.pv_set
            assert (header.title, header.tags) == (expected.title, () if header.kind == AUTOMATIC else expected.tags)
            assert_same(loaded.readings, expected.readings)
            await check_events(store, header)
    assert {entry.subject for entry in await store.audit()} >= {f"snapshot {number}" for number in said.deleted}
    for unknown in said.deleted:
        with pytest.raises(StoreError, match="there is no snapshot"):
            await store.header(unknown)
    if since == 0:
        await tidy_up(store)
        used = "SELECT block_id FROM snapshot_block UNION SELECT block_id FROM set_block"
        assert query(path, f"SELECT count(*) FROM block WHERE id NOT IN ({used})") == [(0,)]
        assert query(path, "PRAGMA freelist_count") == [(0,)]
    await store.close()
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []


async def check_events(store: SqlStore, header: SnapshotHeader) -> None:
    """All events of the window snapshots are there."""
    found = await store.events(header.id)
    assert (found is not None) == (header.kind == AUTOMATIC)
    if found:
        expected = events(int(header.title))
        assert found.rows.tolist() == expected.rows.tolist()
        assert_same(found.readings, expected.readings)


@pytest.mark.timeout(60 + 10 * ROUNDS)
async def test_what_was_acknowledged_survives_a_kill(path: Path) -> None:
    said = Said()
    for number in range(ROUNDS):
        since = max(said.saved, default=0)
        one_round(path, said, number)
        await check(path, said, since)
    await check(path, said, 0)
    assert len(said.saved) >= ROUNDS
    assert said.deleted
