"""Looking into a store's file from outside, as another program would."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def query(path: Path, statement: str) -> list[Any]:
    """The rows of a statement, which is committed if it writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def size(path: Path) -> int:
    """Bytes of the file when all of the write-ahead log is in it."""
    query(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def hold_lock(path: Path) -> sqlite3.Connection:
    """Another program that is in the middle of writing; closing the connection ends it."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0.0)
    connection.execute("BEGIN IMMEDIATE")
    return connection
