"""Events of window snapshots as blocks: readings in the order of the events, and whose they are.

They are laid out as values are, with the number of the event in the place of the slot: what does not change from one event
to the next (types, severities, metadata) makes equal blocks, and the times and values are as small as zstd makes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from snapioc.model import Events, StoreError

from . import headers, metadata_ids
from .block_table import fetch
from .blocks import Block, Packed, unpack_all
from .columns import SLOTS, Column, Key, Planes, decode, encode, to_readings
from .database import Database
from .tables import snapshot_block, snapshot_window

FIRST_PART = 32
"""Parts of `snapshot_block` from here on are of events: this and the column's number. Part of the stored format."""

_ROWS = 8
"""What is the column of a block of rows; `Column` has the others."""

_ROW = np.dtype("<u4")


def blocks_of(events: Events, metadata_ids: NDArray[np.int64]) -> dict[tuple[int, int], Block]:
    """The blocks of these events, by part and first event."""
    columns = encode(events.readings, np.arange(len(events), dtype=np.int32), metadata_ids)
    blocks = {(FIRST_PART + key.column, key.slot): block for key, block in columns.items()}
    rows = events.rows.astype(_ROW)
    for first in range(0, len(rows), SLOTS):
        blocks[FIRST_PART + _ROWS, first] = Block.of(rows[first : first + SLOTS].tobytes(), _ROW.itemsize)
    return blocks


async def load(database: Database, snapshot_id: int) -> Events | None:
    """The events of a snapshot, None if it is no window snapshot. Raises StoreError if there is none, or it is damaged."""
    columns = snapshot_block.c
    links = select(columns.part, columns.first_slot, columns.block_id).where(
        columns.snapshot_id == snapshot_id, columns.part >= FIRST_PART
    )
    async with database.read() as connection:
        await headers.one(connection, snapshot_id)
        query = select(snapshot_window).where(snapshot_window.c.snapshot_id == snapshot_id)
        window = (await connection.execute(query)).one_or_none()
        if window is None:
            return None
        places = {(part - FIRST_PART, first): block_id for part, first, block_id in await connection.execute(links)}
        packed = await fetch(connection, places.values())
    try:
        rows, decoded = await asyncio.to_thread(_decoded, places, packed, window.events)
        metadatas = await metadata_ids.load(database, np.unique(decoded[0][Column.SHAPE][2]).tolist())
    except ValueError as fault:
        raise StoreError(f"the events of snapshot {snapshot_id} are damaged in the store: {fault}") from fault
    return Events(rows, to_readings(*decoded, metadatas, (window.started_at, window.finished_at)))


def _decoded(
    places: Mapping[tuple[int, int], int], packed: Mapping[int, Packed], count: int
) -> tuple[NDArray[np.intp], tuple[Planes, NDArray[np.int64], bytes]]:
    """Rows and readings. Raises ValueError if a block is missing or damaged."""
    contents = unpack_all(packed)
    found = {place: contents[block_id] for place, block_id in sorted(places.items()) if block_id in contents}
    rows = np.frombuffer(b"".join(raw for (part, _), raw in found.items() if part == _ROWS), _ROW)
    if len(rows) != count:
        raise ValueError(f"{len(rows)} of {count} rows are there")
    blocks = {Key(Column(part), first): raw for (part, first), raw in found.items() if part != _ROWS}
    return rows.astype(np.intp), decode(blocks, np.arange(count, dtype=np.int32))
