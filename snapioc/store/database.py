"""Database: one opened database with its connections, and what was learnt from it; dropped whole after any failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import StoreError

from .memory import Memory
from .schema import bring_up_to_date, check
from .sqlite import FileId, SqliteFile
from .sqlite_connection import WRITE


class Database:
    """An opened database. Its connections are closed when it is retired and the last operation on it has ended."""

    def __init__(self, file: SqliteFile, identity: FileId, *, read_only: bool) -> None:
        self.memory = Memory()
        self._file = file
        self._identity = identity
        self._read_only = read_only
        self._engine = file.engine(identity, read_only=read_only)
        self._writing = asyncio.Lock()
        self._users = 0
        self._retired = False
        self._closed = asyncio.Event()

    @classmethod
    async def open(cls, file: SqliteFile, identity: FileId, *, read_only: bool, migrate: bool) -> Database:
        """Open the file that is at the path now. Raises StoreError unless its schema is ours, or `migrate` makes it so."""
        database = cls(file, identity, read_only=read_only)
        try:
            async with database.write() if migrate else database.read() as connection:
                await connection.run_sync(bring_up_to_date if migrate else check, str(file))
        except BaseException:
            await database.retire()
            raise
        return database

    @property
    def in_place(self) -> bool:
        """Whether this is still the file that is at the path. Raises OSError or StoreError if that cannot be found out."""
        return self._file.identity() == self._identity

    @asynccontextmanager
    async def use(self) -> AsyncIterator[None]:
        """Within this the connections stay usable, even if the database is retired meanwhile."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            await self._close_if_done()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that sees one state of the database."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that is committed durably at the end, or not at all.

        Raises StoreError if the file is not at its path any more: what was committed then went with it.
        """
        if self._read_only:
            raise StoreError(f"the store was opened for reading only ({self._file})")
        async with self._writing, self._engine.execution_options(**{WRITE: True}).begin() as connection:
            yield connection
        if not self.in_place:
            raise StoreError(f"the store was removed or replaced ({self._file})")

    async def give_back(self) -> bool:
        """Return some of the space that deleted rows have left to the file system; True if there is more. As `write`."""
        if self._read_only:
            raise StoreError(f"the store was opened for reading only ({self._file})")
        async with self._writing:
            return await self._file.give_back(self._engine)

    async def retire(self) -> None:
        """Close the connections as soon as nobody uses them."""
        self._retired = True
        await self._close_if_done()

    async def closed(self) -> None:
        """Wait until the connections are closed."""
        await self._closed.wait()

    async def _close_if_done(self) -> None:
        if self._retired and not self._users and not self._closed.is_set():
            await self._engine.dispose()
            self._closed.set()
