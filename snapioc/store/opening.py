"""Opening: the store's file behind its door; opened when it is needed, and anew after every failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from snapioc.model import StoreError

from . import probing
from .database import Database
from .sqlite import SqliteFile

log = logging.getLogger(__name__)


class Opening:
    """What SqlStore does to have an opened database for each of its methods, apart from those."""

    def __init__(self, url: str, *, busy_timeout: float = 5.0) -> None:
        """`url` as SQLAlchemy writes them, `sqlite:///abs/path.db`; `busy_timeout` in seconds, for other programs' locks."""
        self._file = store_file(url, busy_timeout)
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
                await probing.write_something(database)  # a schema that is up to date did not show whether it can be

    async def close(self) -> None:
        """Close the store when the operations that run on it have ended."""
        async with self._opening:
            database, self._database = self._database, None
            self._read_only, self._was_open = None, False
        if database:
            await database.retire()
            await database.closed()

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


def store_file(url: str, busy_timeout: float = 0.0) -> SqliteFile:
    """The file that a URL names. Raises StoreError if it names none."""
    try:
        parsed = make_url(url)
    except ArgumentError as fault:
        raise StoreError(f"the store's URL cannot be read: {fault}") from fault
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"stores in {parsed.get_backend_name()} are not supported, only sqlite")
    return SqliteFile(parsed, busy_timeout)
