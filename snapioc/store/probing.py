"""Finding out whether the store can be written, by writing."""

from __future__ import annotations

from sqlalchemy import delete, insert

from .blocks import Block
from .database import Database
from .tables import block

_SIZE = 65_536


async def write_something(database: Database) -> None:
    """Commit a block that comes and goes in one transaction: takes the lock, needs space, and must reach the disk."""
    probe = Block.of(b"probe".ljust(_SIZE, b"\0"), 1)
    async with database.write() as connection:
        await connection.execute(insert(block).values(digest=probe.digest, width=probe.width, data=probe.raw))
        await connection.execute(delete(block).where(block.c.digest == probe.digest))
