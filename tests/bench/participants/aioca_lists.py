"""aioca's list calls, and squirrel's way to a snapshot on them: batches of 1,000, and a JSON row per value into SQLite.

squirrel itself (app/services/epics_service.py, snapshot_repository.py) adds SQLAlchemy objects; here the rows go in by the
quickest way that sqlite3 has, so that only the way it works is measured and not how it is written.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aioca
import numpy as np

from tests.bench.child import read_names, serve

PATIENCE = 300.0
BATCH = 1000


class AiocaLists:
    """A set of PVs on aioca's channels."""

    def __init__(self, database: str) -> None:
        self._names: list[str] = []
        self._rows = _table(database)
        self._ids = itertools.count(1)

    async def connect(self, path: str) -> float:
        """Connect all; seconds."""
        self._names = read_names(path)
        begun = time.perf_counter()
        await aioca.connect(self._names, timeout=PATIENCE)
        return time.perf_counter() - begun

    async def read(self) -> float:
        """Read all in one list; seconds."""
        begun = time.perf_counter()
        await aioca.caget(self._names, format=aioca.FORMAT_TIME, timeout=PATIENCE)
        return time.perf_counter() - begun

    async def squirrel(self) -> float:
        """Take a snapshot as squirrel does, committed and synced; seconds."""
        begun, snapshot, rows = time.perf_counter(), next(self._ids), []
        for start in range(0, len(self._names), BATCH):
            batch = self._names[start : start + BATCH]
            values = await aioca.caget(batch, format=aioca.FORMAT_TIME, timeout=PATIENCE)
            rows += [(snapshot, pv, _json(value)) for pv, value in zip(batch, values, strict=True)]
        self._rows.execute("BEGIN IMMEDIATE")
        self._rows.executemany("INSERT INTO snapshot_value VALUES (?, ?, ?)", rows)
        self._rows.execute("COMMIT")
        return time.perf_counter() - begun

    async def put_and_read(self) -> float:
        """Write back what all hold, waiting for each, and read all; seconds."""
        values = await aioca.caget(self._names, timeout=PATIENCE)
        begun = time.perf_counter()
        await aioca.caput(self._names, values, wait=True, timeout=PATIENCE)
        await aioca.caget(self._names, timeout=PATIENCE)
        return time.perf_counter() - begun


def _table(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE IF NOT EXISTS snapshot_value (snapshot INTEGER, pv TEXT, value TEXT)")
    return database


def _json(value: Any) -> str:
    plain = value.tolist() if isinstance(value, np.ndarray) else value
    return json.dumps({"value": plain, "status": value.status, "severity": value.severity, "timestamp": value.timestamp})


def main() -> None:
    with asyncio.Runner() as runner:
        aioca_lists = AiocaLists(sys.argv[1])

        def blocking(method: Callable[..., Coroutine[Any, Any, float]]) -> Callable[..., float]:
            return lambda *arguments: runner.run(method(*arguments))

        names = ("connect", "read", "squirrel", "put_and_read")
        serve({name: blocking(getattr(aioca_lists, name)) for name in names})


if __name__ == "__main__":
    main()
