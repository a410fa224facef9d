"""Blocks in the database: each distinct content once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from .batches import batches, insert_all
from .blocks import Block, Packed, pack_all
from .tables import block


async def keep(connection: AsyncConnection, blocks: Iterable[Block], packed: Mapping[bytes, bytes]) -> dict[bytes, int]:
    """The id of each block by its digest, inserting those that are not there yet; `packed` holds them ready, if possible."""
    distinct = {each.digest: each for each in blocks}
    present = await _ids(connection, list(distinct))
    missing = [each for digest, each in distinct.items() if digest not in present]
    if not missing:
        return present
    # Not packed beforehand, because it was believed to be there, and deleted since: rare, and the lock is held for it.
    unpacked = [each for each in missing if each.digest not in packed]
    packed = dict(packed) | (await asyncio.to_thread(pack_all, unpacked) if unpacked else {})
    rows = [{"digest": each.digest, "width": each.width, "data": packed[each.digest]} for each in missing]
    await insert_all(connection, block, rows)
    return present | await _ids(connection, [each.digest for each in missing])


async def fetch(connection: AsyncConnection, ids: Iterable[int]) -> dict[int, Packed]:
    """Each block by its id."""
    found: dict[int, Packed] = {}
    for batch in batches(sorted(set(ids))):
        rows = await connection.execute(select(block.c.id, block.c.data, block.c.width).where(block.c.id.in_(batch)))
        found |= {block_id: (data, width) for block_id, data, width in rows}
    return found


async def _ids(connection: AsyncConnection, digests: Sequence[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for batch in batches(digests):
        rows = await connection.execute(select(block.c.digest, block.c.id).where(block.c.digest.in_(batch)))
        found |= {row.digest: row.id for row in rows}
    return found
