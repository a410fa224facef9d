"""Deleting snapshots: the header at once, the blocks that nothing uses any more by and by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import accumulate

from sqlalchemy import Select, delete, exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import AUTOMATIC, Origin, SnapshotHeader, StoreError

from . import auditing, headers, restores, settings
from .batches import any_of
from .database import Database
from .tables import block, pv_set, released_block, set_block, snapshot, snapshot_block, snapshot_tag
from .texts import storable

BATCH = 100
"""Blocks per transaction: a save that waits for the lock waits for milliseconds."""

PRUNED = 40
"""Snapshots per transaction, for the same reason; fewer if these hold many blocks."""

LINKS = 10_000
"""References to blocks that are deleted per transaction, unless one snapshot alone has more."""


async def delete_snapshot(database: Database, snapshot_id: int, origin: Origin, sets: Collection[str] | None) -> None:
    """Delete a snapshot. Raises StoreError if there is none with this id, it is golden for one of these sets, or UNDO
    needs it.

    A set that is not among them (None: all are) has no golden snapshot any more if it was this one.
    """
    async with database.write() as connection:
        header = await headers.one(connection, snapshot_id)
        golden = await settings.golden(connection, sets)
        if snapshot_id in golden:
            raise StoreError(f"snapshot {snapshot_id} cannot be deleted: it is the golden one of set {golden[snapshot_id]}")
        await restores.check_not_needed(connection, snapshot_id)
        await _remove(connection, [snapshot_id])
        await settings.forget_golden(connection, snapshot_id)
        await auditing.note(connection, origin, "deleted", snapshot_id, _told(header), "")


async def prune(database: Database, set_name: str, keep: int | None, before: float | None) -> int:
    """Delete some of the automatic snapshots that are beyond the newest `keep`, or older than `before`; how many."""
    async with database.read() as connection:
        if not await _prunable(connection, set_name, keep, before):
            return 0
    async with database.write() as connection:
        doomed = await _light(connection, await _prunable(connection, set_name, keep, before))
        await _remove(connection, doomed)
    return len(doomed)


async def tidy(database: Database) -> bool:
    """Delete some of the blocks that nothing uses any more, or else return some free space; True if there may be more."""
    async with database.read() as connection:
        released = (await connection.execute(select(released_block.c.block_id).limit(BATCH))).scalars().all()
    if not released:
        return await database.give_back()
    unused = ~exists().where(snapshot_block.c.block_id == block.c.id) & ~exists().where(set_block.c.block_id == block.c.id)
    async with database.write() as connection:
        await connection.execute(delete(released_block).where(released_block.c.block_id.in_(released)))
        await connection.execute(delete(block).where(block.c.id.in_(released), unused))
    return True


async def _remove(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Delete these snapshots, and note the blocks that only they used.

    In the same transaction, so that a crash leaves none behind for ever. What a save uses again until `tidy` comes to it
    stays.
    """
    columns = snapshot_block.c
    theirs = select(columns.block_id).where(columns.snapshot_id.in_(any_of(ids))).distinct().subquery()
    others = exists().where(columns.block_id == theirs.c.block_id, columns.snapshot_id.not_in(any_of(ids)))
    alone = select(theirs).where(~others, theirs.c.block_id.not_in(select(released_block.c.block_id)))
    await connection.execute(insert(released_block).from_select(["block_id"], alone))
    await connection.execute(delete(snapshot).where(snapshot.c.id.in_(any_of(ids))))


async def _prunable(connection: AsyncConnection, set_name: str, keep: int | None, before: float | None) -> list[int]:
    """The oldest automatic snapshots of the set that are to go and may; at most PRUNED, and never a tagged one."""
    set_id = (await connection.execute(select(pv_set.c.id).where(pv_set.c.name == storable(set_name)))).scalar_one_or_none()
    mine = select(snapshot.c.id).where(snapshot.c.set_id == set_id, snapshot.c.kind == AUTOMATIC)
    tagged = exists().where(snapshot_tag.c.snapshot_id == snapshot.c.id)
    stays = {*(await settings.golden(connection, [set_name])), *(await restores.needed(connection, set_name))}
    free = mine.where(~tagged, snapshot.c.id.not_in(any_of(stays))).limit(PRUNED)
    found: list[int] = []
    if keep is not None:
        newest = mine.order_by(snapshot.c.id.desc()).limit(1).offset(keep).scalar_subquery()
        found += await _ids(connection, free.where(snapshot.c.id <= newest).order_by(snapshot.c.id))
    if before is not None:
        found += await _ids(connection, free.where(snapshot.c.taken_at < before).order_by(snapshot.c.taken_at))
    return sorted(set(found))[:PRUNED]


async def _light(connection: AsyncConnection, ids: Sequence[int]) -> list[int]:
    """The first of these snapshots, as many as can be deleted at once."""
    columns = snapshot_block.c
    query = (
        select(columns.snapshot_id, func.count()).where(columns.snapshot_id.in_(any_of(ids))).group_by(columns.snapshot_id)
    )
    links = {row[0]: row[1] for row in await connection.execute(query)}
    sums = accumulate(links.get(snapshot_id, 0) for snapshot_id in ids)
    return [
        snapshot_id for place, (snapshot_id, total) in enumerate(zip(ids, sums, strict=True)) if not place or total <= LINKS
    ]


async def _ids(connection: AsyncConnection, query: Select[int]) -> list[int]:
    return list((await connection.execute(query)).scalars())


def _told(header: SnapshotHeader) -> str:
    """A line of what a snapshot was."""
    taken = datetime.fromtimestamp(header.taken_at, UTC).isoformat(timespec="seconds")
    tags = f", tags {', '.join(header.tags)}" if header.tags else ""
    title = f', "{header.title}"' if header.title else ""
    return f"{header.kind} of set {header.set_name}, {taken}{title}{tags}, {header.ok} of {header.total} PVs"
