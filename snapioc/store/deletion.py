"""Deleting snapshots: the header at once, the blocks that nothing uses any more in small batches."""

from __future__ import annotations

from sqlalchemy import delete, exists, insert, select

from . import headers, restores
from .database import Database
from .tables import block, released_block, set_block, snapshot, snapshot_block

BATCH = 100
"""Blocks per transaction: a save that waits for the lock waits for milliseconds."""


async def delete_snapshot(database: Database, snapshot_id: int) -> None:
    """Delete a snapshot. Its blocks are noted in the same transaction, so that a crash leaves none behind for ever.

    Raises StoreError if there is none with this id, or UNDO needs it.
    """
    used = select(snapshot_block.c.block_id).where(snapshot_block.c.snapshot_id == snapshot_id)
    noted = select(released_block.c.block_id)
    async with database.write() as connection:
        await headers.one(connection, snapshot_id)
        await restores.check_not_needed(connection, snapshot_id)
        await connection.execute(
            insert(released_block).from_select(["block_id"], used.where(snapshot_block.c.block_id.not_in(noted)).distinct())
        )
        await connection.execute(delete(snapshot).where(snapshot.c.id == snapshot_id))
    await sweep(database)


async def sweep(database: Database) -> None:
    """Look at all blocks of deleted snapshots, and delete those that nothing uses."""
    while await _sweep_some(database):
        await database.give_back()


async def _sweep_some(database: Database) -> bool:
    unused = ~exists().where(snapshot_block.c.block_id == block.c.id) & ~exists().where(set_block.c.block_id == block.c.id)
    async with database.write() as connection:
        ids = (await connection.execute(select(released_block.c.block_id).limit(BATCH))).scalars().all()
        await connection.execute(delete(released_block).where(released_block.c.block_id.in_(ids)))
        await connection.execute(delete(block).where(block.c.id.in_(ids), unused))
    return bool(ids)
