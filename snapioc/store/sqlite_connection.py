"""What each connection to SQLite must promise, and how its transactions begin."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from snapioc.model import StoreError

from .sqlite_errors import code

WRITE = "snapioc_write"
"""Execution option of connections that are going to write."""

APPLICATION_ID = int.from_bytes(b"SnAp")
"""In the file's header, by which it is known to be ours."""

_LOCK_SLICE = 200
"""Milliseconds of one wait for another program's lock."""


def prepare(connection: Any, name: str, busy_timeout: int, *, read_only: bool) -> None:
    """Set what a new connection must promise. Raises StoreError if it does not hold, or the file is another program's.

    `connection` is the driver's, `busy_timeout` in milliseconds.
    """
    cursor = connection.cursor()
    try:
        if not _is_ours(cursor, name) and not read_only:
            _pragma(cursor, "auto_vacuum=INCREMENTAL")  # has no effect later, when there are tables
        promises = _promises(busy_timeout, read_only=read_only)
        for pragma, value in promises.items():
            if _pragma(cursor, pragma) != value:
                _pragma(cursor, f"{pragma}={value}")
        kept = {pragma: _pragma(cursor, pragma) for pragma in promises}
    finally:
        cursor.close()
    if kept != promises:
        raise StoreError(f"the store does not work as safely as it must ({name}: {kept} instead of {promises})")


def begin(connection: Connection, busy_timeout: int) -> None:
    """Begin a transaction; for writing take the lock first, waiting for it at most `busy_timeout` milliseconds.

    It waits in short turns: SQLite's own wait cannot be cancelled, and a shutdown would have to sit it out. After a failure
    the connection must not be used again.
    """
    if not connection.get_execution_options().get(WRITE):
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_LOCK_SLICE}").close()
    deadline = time.monotonic() + busy_timeout / 1000
    while not _lock(connection, last=time.monotonic() >= deadline):
        pass
    connection.exec_driver_sql(f"PRAGMA busy_timeout={busy_timeout}").close()


def _lock(connection: Connection, *, last: bool) -> bool:
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if last or code(error) != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _is_ours(cursor: Any, name: str) -> bool:
    """False if the file is empty. Raises StoreError if it is another program's, which is left as it is."""
    if _pragma(cursor, "application_id") == APPLICATION_ID:
        return True
    cursor.execute("SELECT count(*) FROM sqlite_master")
    if cursor.fetchone()[0]:
        raise StoreError(f"this is no store of snapioc, but another program's database ({name})")
    return False


def _promises(busy_timeout: int, *, read_only: bool) -> dict[str, str | int]:
    promises: dict[str, str | int] = {"busy_timeout": busy_timeout, "foreign_keys": 1, "query_only": int(read_only)}
    if not read_only:
        promises |= {"synchronous": 2, "journal_mode": "wal"}  # 2: FULL, a commit survives a power cut
        promises["application_id"] = APPLICATION_ID  # last, because reading it makes the log, which `check_log` must know
    return promises


def _pragma(cursor: Any, text: str) -> Any:
    cursor.execute(f"PRAGMA {text}")
    row = cursor.fetchone()
    return row[0] if row else None
