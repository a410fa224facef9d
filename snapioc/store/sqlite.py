"""Everything that is SQLite's own, together with `sqlite_connection` and `sqlite_errors`: the file and its engine.

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
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from snapioc.model import StoreError

from .sqlite_connection import begin, prepare
from .sqlite_errors import sentence

CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
"""Table option: rows lie in their primary key, without a second tree for it (halves what an unchanged snapshot adds)."""

NEVER_REUSED: dict[str, Any] = {"sqlite_autoincrement": True}
"""Table option: the id of a deleted row is not given to another one."""

SPARE_BYTES = 1 << 20
"""With less than this free on its disk the store counts as full: a snapshot might just not fit."""

PAGES = 256
"""Given back at a time: 1 MB, some milliseconds."""

FileId: TypeAlias = tuple[int, int]
"""Device and inode."""


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
        self._busy_timeout = round(busy_timeout * 1000)
        self._log = self.path.with_name(self.path.name + "-wal")
        self._last: tuple[FileId, FileId] | None = None

    def __str__(self) -> str:
        return str(self.path)

    def identity(self) -> FileId | None:
        """Which file is at the path now, None if there is none. Raises OSError or StoreError if it cannot be read."""
        found = _stat(self.path)
        if found is None:
            return None
        # Asked before SQLite is: a connection that fails at once leaves a thread of aiosqlite running after its loop.
        if not (stat.S_ISREG(found.st_mode) and os.access(self.path, os.R_OK)):
            raise StoreError(f"the store cannot be opened ({self.path})")
        return _id(found)

    def create(self) -> None:
        """Put an empty file at the path. Raises OSError if there is one, or that is impossible."""
        self.path.touch(exist_ok=False)

    def check_log(self, identity: FileId) -> None:
        """Raise StoreError if this is another file than was open before, but beside it still lies the log of that one.

        SQLite would write what is in the log over the pages of the wrong file.
        """
        log = _stat(self._log)
        if log and log.st_size and self._last and self._last[0] != identity and self._last[1] == _id(log):
            raise StoreError(
                f"the store was replaced ({self.path}), but {self._log} is still of the old one: move it away too"
            )

    def check_space(self) -> None:
        """Raise StoreError if the disk is (nearly) full."""
        if shutil.disk_usage(self.path.parent).free < SPARE_BYTES:
            raise StoreError(f"the store is full ({self.path}: its disk has less than {SPARE_BYTES} bytes left)")

    def engine(self, identity: FileId, *, read_only: bool) -> AsyncEngine:
        """An engine all of whose connections are to this very file and keep their promises (`prepare`).

        `read_only` forbids writing by `query_only`: with `mode=ro` SQLite would leave its -wal and -shm files behind.
        """
        mode = "ro" if self._query.get("mode") == "ro" else "rw"  # never rwc, which would create the file again
        options = {**self._query, "mode": mode, "uri": "true"}
        url = URL.create("sqlite+aiosqlite", database="file:" + quote(str(self.path)), query=options)
        arguments = {"isolation_level": None, "timeout": self._busy_timeout / 1000}
        engine = create_async_engine(url, connect_args=arguments, pool_size=4, max_overflow=0, hide_parameters=True)

        def connected(connection: Any, _: ConnectionPoolEntry) -> None:
            try:
                prepare(connection, str(self), self._busy_timeout, read_only=read_only)
                if self.identity() != identity:
                    raise StoreError(f"the store was removed or replaced ({self.path})")
                log = _stat(self._log)
                self._last = (identity, _id(log)) if log else None
            except BaseException:
                connection.close()
                raise

        # Before SQLAlchemy's own listener, which would leave the connection open when the file is no database.
        event.listen(engine.sync_engine, "connect", connected, insert=True)
        event.listen(engine.sync_engine, "begin", lambda connection: begin(connection, self._busy_timeout))
        return engine

    async def give_back(self, engine: AsyncEngine) -> bool:
        """Return pages that deleted rows have left to the file system; True if there are more. Raises StoreError."""
        async with engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            try:
                if not await _free_pages(raw):
                    return False
                # Each step frees one page, and of a statement without columns the driver takes but one, except in a script.
                await raw.executescript(f"PRAGMA incremental_vacuum({PAGES})")
                return bool(await _free_pages(raw))
            except sqlite3.Error as error:
                raise StoreError(self.sentence(error)) from error

    def sentence(self, error: Exception) -> str:
        """What an error of the database or the file system means, for a person."""
        return sentence(error, self.path)


async def _free_pages(raw: Any) -> int:
    async with raw.execute("PRAGMA freelist_count") as cursor:
        (count,) = await cursor.fetchone()
    return int(count)


def start_ids(connection: Connection, table: str, first: int) -> None:
    """Let the ids of an empty table begin with `first`; elsewhere its Identity says so."""
    statement = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)")
    connection.execute(statement, {"table": table, "last": first - 1})


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _id(found: os.stat_result) -> FileId:
    return found.st_dev, found.st_ino
