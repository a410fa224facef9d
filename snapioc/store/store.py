"""SqlStore: the door of this room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from snapioc.model import NewSnapshot, Reading, Snapshot, SnapshotHeader, StoreError

from . import deletion, headers, probing, snapshots
from .database import Database
from .history import history
from .sqlite import SqliteFile
from .tables import pv_set

log = logging.getLogger(__name__)


class SqlStore:
    """Snapshots in a database; implements `operations.protocols.Store`. All methods are for one event loop.

    Each raises StoreError, with a sentence for a person, when the database fails or does not hold what was asked for. After
    a failure all connections are made anew, so that it works again as soon as the cause is gone.
    """

    def __init__(self, url: str, *, busy_timeout: float = 5.0) -> None:
        """`url` as SQLAlchemy writes them, `sqlite:///abs/path.db`; `busy_timeout` in seconds, for other programs' locks."""
        self._file = _file(url, busy_timeout)
        self._opening = asyncio.Lock()
        self._database: Database | None = None
        self._read_only: bool | None = None
        self._was_open = False

    async def open(self, *, migrate: bool) -> None:
        """Open the store; with `migrate` create it and bring its schema up to date where needed, else read only.

        May be called again and again, whether it is open or not. If it fails, every later use tries again. A store that was
        open and is gone is not created again.
        """
        if self._read_only is migrate:
            await self.close()
        self._read_only = not migrate
        async with self._using() as database:
            if migrate:
                await deletion.sweep(database)

    async def close(self) -> None:
        """Close the store when the operations that run on it have ended."""
        async with self._opening:
            database, self._database = self._database, None
            self._read_only, self._was_open = None, False
        if database:
            await database.retire()
            await database.closed()

    async def save(self, snapshot: NewSnapshot) -> SnapshotHeader:
        """Commit a snapshot durably; it is there, whole, when this returns."""
        async with self._using() as database:
            return await snapshots.save(database, snapshot)

    async def load(self, snapshot_id: int) -> Snapshot:
        """The snapshot with its values."""
        async with self._using() as database:
            return await snapshots.load(database, snapshot_id)

    async def newest(self, *, group: str | None = None) -> SnapshotHeader | None:
        """The newest snapshot of any set, those before restores excepted; with `group` the newest of its own TRIGGER."""
        async with self._using() as database, database.read() as connection:
            wanted = headers.NOT_UNDO if group is None else headers.made_by(group)
            return next(iter(await headers.find(connection, wanted, limit=1)), None)

    async def header(self, snapshot_id: int) -> SnapshotHeader:
        """What is known of a snapshot besides its values."""
        async with self._using() as database, database.read() as connection:
            return await headers.one(connection, snapshot_id)

    async def headers(self, *, limit: int | None = None, set_name: str | None = None) -> list[SnapshotHeader]:
        """The newest `limit` snapshots (default: all), of one set or of all, newest first."""
        async with self._using() as database, database.read() as connection:
            conditions = [] if set_name is None else [pv_set.c.name == set_name]
            return await headers.find(connection, *conditions, limit=limit)

    async def history(self, set_name: str, pv: str, limit: int) -> list[tuple[SnapshotHeader, Reading]]:
        """What a PV held in the newest `limit` snapshots of a set that contain it, newest first."""
        async with self._using() as database:
            return await history(database, set_name, pv, limit)

    async def delete(self, snapshot_id: int) -> None:
        """Delete a snapshot, and give back the space that only it used. Its id is never used again."""
        async with self._using() as database:
            await deletion.delete_snapshot(database, snapshot_id)

    async def probe(self) -> None:
        """Return if the store can be written now."""
        async with self._using() as database:
            self._file.check_space()
            await probing.write_something(database)

    @asynccontextmanager
    async def _using(self) -> AsyncIterator[Database]:
        """The opened database. What goes wrong with it becomes a StoreError, and the next use opens it anew."""
        try:
            database = await self._current()
            async with database.use():
                try:
                    yield database
                except (SQLAlchemyError, OSError):
                    await self._drop(database)
                    raise
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(self._file.sentence(error)) from error

    async def _current(self) -> Database:
        """The database that is at the path now, opened anew if it is not the one that is open."""
        async with self._opening:
            if self._read_only is None:
                raise StoreError(f"the store is not open ({self._file})")
            if self._database and self._database.in_place:
                return self._database
            if self._database:
                log.warning("the store was removed or replaced (%s)", self._file)
                await self._drop(self._database)
            self._database = await self._open(read_only=self._read_only)
            self._was_open = True
            return self._database

    async def _open(self, *, read_only: bool) -> Database:
        migrate = not read_only and not self._was_open
        if migrate and self._file.identity() is None:
            self._file.create()
        identity = self._file.identity()
        if identity is None:
            raise StoreError(
                f"the store was removed ({self._file}): put it back, or restart the IOC to begin a new one"
                if self._was_open
                else f"there is no store ({self._file}): start the IOC once to create it"
            )
        self._file.check_log(identity)
        return await Database.open(self._file, identity, read_only=read_only, migrate=migrate)

    async def _drop(self, database: Database) -> None:
        if self._database is database:
            self._database = None
        await database.retire()


def _file(url: str, busy_timeout: float) -> SqliteFile:
    try:
        parsed = make_url(url)
    except ArgumentError as fault:
        raise StoreError(f"the store's URL cannot be read: {fault}") from fault
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"stores in {parsed.get_backend_name()} are not supported, only sqlite")
    return SqliteFile(parsed, busy_timeout)
