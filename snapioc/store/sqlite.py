"""Everything that is SQLite's own: how its file is opened, what each connection must promise, and what its errors mean.

Decided: connections open an existing file only (`mode=rw`), and the file is created in one place, so that a store removed
while the IOC runs is never silently begun anew. The driver's own transactions are off: they leave DDL outside, and half a
migration behind after a kill. BEGIN is ours, and IMMEDIATE for writing, so that waiting for a lock happens before any work.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

from sqlalchemy import URL, Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from snapioc.model import StoreError

CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
"""Table option: rows lie in their primary key, without a second tree for it (halves what an unchanged snapshot adds)."""

NEVER_REUSED: dict[str, Any] = {"sqlite_autoincrement": True}
"""Table option: the id of a deleted row is not given to another one."""

WRITE = "snapioc_write"
"""Execution option of connections that are going to write."""

SPARE_BYTES = 1 << 20
"""With less than this free on its disk the store counts as full: a snapshot might just not fit."""

APPLICATION_ID = int.from_bytes(b"SnAp")
"""In the file's header, by which it is known to be ours."""

FileId: TypeAlias = tuple[int, int]
"""Device and inode."""

_SENTENCES = {
    sqlite3.SQLITE_BUSY: "the store is locked by another program ({path})",
    sqlite3.SQLITE_LOCKED: "the store is locked by another program ({path})",
    sqlite3.SQLITE_FULL: "the store is full ({path})",
    sqlite3.SQLITE_READONLY: "the store is read-only ({path})",
    sqlite3.SQLITE_PERM: "the store may not be opened ({path})",
    sqlite3.SQLITE_CANTOPEN: "the store cannot be opened ({path})",
    sqlite3.SQLITE_CORRUPT: "the store is damaged ({path})",
    sqlite3.SQLITE_NOTADB: "the store is damaged ({path} is no SQLite database)",
    sqlite3.SQLITE_IOERR: "the disk of the store failed ({path})",
}


class SqliteFile:
    """A store in an SQLite file. Raises StoreError if the URL names none."""

    def __init__(self, url: URL, busy_timeout: float) -> None:
        database = url.database or ""
        if url.query.get("uri") == "true":
            database = unquote(database.removeprefix("file:"))
        if database in ("", ":memory:"):
            raise StoreError(f"the store needs a file, which {url.render_as_string()} does not name")
        self.path = Path(database).absolute()
        self._query = dict(url.query)
        self._busy_timeout = busy_timeout

    def __str__(self) -> str:
        return str(self.path)

    def identity(self) -> FileId | None:
        """Which file is at the path now, None if there is none. Raises OSError or StoreError if it cannot be read."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        # Asked before SQLite is: a connection that fails at once leaves a thread of aiosqlite running after its loop.
        if not (stat.S_ISREG(found.st_mode) and os.access(self.path, os.R_OK)):
            raise StoreError(f"the store cannot be opened ({self.path})")
        return found.st_dev, found.st_ino

    def create(self) -> None:
        """Put an empty file at the path. Raises OSError if there is one, or that is impossible."""
        self.path.touch(exist_ok=False)

    def check_space(self) -> None:
        """Raise StoreError if the disk is (nearly) full."""
        if shutil.disk_usage(self.path.parent).free < SPARE_BYTES:
            raise StoreError(f"the store is full ({self.path}: its disk has less than {SPARE_BYTES} bytes left)")

    def engine(self, identity: FileId, *, read_only: bool) -> AsyncEngine:
        """An engine all of whose connections are to this very file and keep the promises of `_prepare`.

        `read_only` forbids writing by `query_only`: with `mode=ro` SQLite would leave its -wal and -shm files behind.
        """
        mode = "ro" if self._query.get("mode") == "ro" else "rw"  # never rwc, which would create the file again
        options = {**self._query, "mode": mode, "uri": "true"}
        url = URL.create("sqlite+aiosqlite", database="file:" + quote(str(self.path)), query=options)
        arguments = {"isolation_level": None, "timeout": self._busy_timeout}
        engine = create_async_engine(url, connect_args=arguments, pool_size=4, max_overflow=0, hide_parameters=True)

        def connected(connection: Any, _: ConnectionPoolEntry) -> None:
            try:
                self._prepare(connection, read_only=read_only)
                if self.identity() != identity:
                    raise StoreError(f"the store was removed or replaced ({self.path})")
            except BaseException:
                connection.close()
                raise

        # Before SQLAlchemy's own listener, which would leave the connection open when the file is no database.
        event.listen(engine.sync_engine, "connect", connected, insert=True)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine

    async def give_back(self, engine: AsyncEngine) -> None:
        """Return the pages that deleted rows have left to the file system, at most 2,000 (8 MB). Raises StoreError."""
        async with engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            try:
                # Each step frees one page, and of a statement without columns the driver takes but one, except in a script.
                await raw.executescript("PRAGMA incremental_vacuum(2000)")
            except sqlite3.Error as error:
                raise StoreError(self.sentence(error)) from error

    def sentence(self, error: Exception) -> str:
        """What an error of the database or the file system means, for a person."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in _SENTENCES:
            return _SENTENCES[code].format(path=self.path)
        return f"the store failed ({self.path}): {cause}"

    def _prepare(self, connection: Any, *, read_only: bool) -> None:
        """Set what every connection must promise, and make sure that it does."""
        cursor = connection.cursor()
        try:
            self._claim(cursor, read_only=read_only)
            promises = self._promises(read_only=read_only)
            for name, value in promises.items():
                if _pragma(cursor, name) != value:
                    _pragma(cursor, f"{name}={value}")
            kept = {name: _pragma(cursor, name) for name in promises}
        finally:
            cursor.close()
        if kept != promises:
            raise StoreError(f"the store does not work as safely as it must ({self.path}: {kept} instead of {promises})")

    def _claim(self, cursor: Any, *, read_only: bool) -> None:
        """Mark an empty file as ours; leave another program's database alone."""
        if _pragma(cursor, "application_id") == APPLICATION_ID:
            return
        cursor.execute("SELECT count(*) FROM sqlite_master")
        if cursor.fetchone()[0]:
            raise StoreError(f"this is no store of snapioc, but another program's database ({self.path})")
        if not read_only:
            _pragma(cursor, "auto_vacuum=INCREMENTAL")  # has no effect later, when there are tables
            _pragma(cursor, f"application_id={APPLICATION_ID}")

    def _promises(self, *, read_only: bool) -> dict[str, str | int]:
        always: dict[str, str | int] = {"busy_timeout": round(self._busy_timeout * 1000), "foreign_keys": 1}
        if read_only:
            return {**always, "query_only": 1}
        return {**always, "query_only": 0, "synchronous": 2, "journal_mode": "wal"}  # 2: FULL, survives a power cut


def start_ids(connection: Connection, table: str, first: int) -> None:
    """Let the ids of an empty table begin with `first`; elsewhere its Identity says so."""
    statement = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)")
    connection.execute(statement, {"table": table, "last": first - 1})


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITE) else "BEGIN")


def _pragma(cursor: Any, text: str) -> Any:
    cursor.execute(f"PRAGMA {text}")
    row = cursor.fetchone()
    return row[0] if row else None
