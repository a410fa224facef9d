"""One PV over many snapshots: per snapshot one number of each column, and only the blocks of the PV's own position."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import AUTOMATIC, MANUAL, Reading, SnapshotHeader, StoreError

from . import finding, holding, metadata_ids
from .batches import batches
from .block_table import fetch
from .blocks import Packed, unpack_all
from .columns import LANES, SLOTS, Column, Planes, running, to_readings
from .database import Database
from .tables import snapshot_block

Links: TypeAlias = Mapping[tuple[int, int], tuple[int, int]]
"""(snapshot id, column) to (first slot, block id)."""


async def history(database: Database, pv: str, limit: int, set_name: str | None) -> list[tuple[SnapshotHeader, Reading]]:
    """The newest `limit` snapshots that hold the PV, of one set or of all, newest first, with what it held in each.

    Those before and after restores are left out: they hold few PVs, and would push others out of the limit. Empty if the PV
    was never in a set. Raises StoreError if a snapshot is damaged.
    """
    try:
        async with database.read() as connection:
            places = await holding.places(connection, database.memory, pv, set_name)
            found = await finding.newest_of(connection, (MANUAL, AUTOMATIC), places, limit)
            of_snapshots = {header.id: places[version_id] for header, version_id in found}
            links = await _links(connection, of_snapshots)
            packed = await fetch(connection, (block_id for _, block_id in links.values()))
        planes, values = await asyncio.to_thread(_picked, of_snapshots, links, packed)
        metadatas = await metadata_ids.load(database, np.unique(planes[Column.SHAPE][2]).tolist())
    except ValueError as fault:
        raise StoreError(f"the history of {pv} is damaged in the store: {fault}") from fault
    offsets = running(np.array([len(value) for value in values], np.int64))
    readings = to_readings(planes, offsets, b"".join(values), metadatas, (0.0, 0.0))
    return [(header, readings.reading(row)) for row, (header, _) in enumerate(found)]


async def _links(connection: AsyncConnection, places: Mapping[int, int]) -> Links:
    """The blocks with the PV's slot in each snapshot."""
    links: dict[tuple[int, int], tuple[int, int]] = {}
    for place in set(places.values()):
        for batch in batches([snapshot_id for snapshot_id, mine in places.items() if mine == place]):
            links |= await _links_at(connection, batch, place)
    return links


async def _links_at(connection: AsyncConnection, batch: Sequence[int], place: int) -> Links:
    """Of each column the block of the slot's position, of the heap the last one that begins before it."""
    first = place - place % SLOTS
    columns = snapshot_block.c
    heap = (
        select(columns.snapshot_id, columns.part, func.max(columns.first_slot).label("first_slot"))
        .where(columns.snapshot_id.in_(batch), columns.part == Column.HEAP, columns.first_slot.between(first, place))
        .group_by(columns.snapshot_id, columns.part)
        .subquery()
    )
    plain = select(snapshot_block).where(
        columns.snapshot_id.in_(batch), columns.part.in_(list(LANES)), columns.first_slot == first
    )
    here = (
        (columns.snapshot_id == heap.c.snapshot_id)
        & (columns.part == heap.c.part)
        & (columns.first_slot == heap.c.first_slot)
    )
    links: dict[tuple[int, int], tuple[int, int]] = {}
    for query in (plain, select(snapshot_block).join(heap, here)):
        for snapshot_id, part, first_slot, block_id in await connection.execute(query):
            links[snapshot_id, part] = (first_slot, block_id)
    return links


def _picked(places: Mapping[int, int], links: Links, packed: Mapping[int, Packed]) -> tuple[Planes, list[bytes]]:
    """Per snapshot the PV's number in each column and its bytes in the heap. Raises ValueError if a block is damaged."""
    contents = unpack_all(packed)
    planes = {column: np.zeros((lanes, len(places)), dtype) for column, (dtype, lanes) in LANES.items()}
    values = []
    for row, (snapshot_id, place) in enumerate(places.items()):
        numbers = {column: _numbers(contents, links, snapshot_id, column) for column in LANES}
        for column, plane in planes.items():
            plane[:, row] = numbers[column][:, place % SLOTS]
        values.append(_value(contents, links, snapshot_id, numbers[Column.LENGTHS][0], place % SLOTS))
    return planes, values


def _numbers(contents: Mapping[int, bytes], links: Links, snapshot_id: int, column: Column) -> NDArray[Any]:
    dtype, lanes = LANES[column]
    return np.frombuffer(contents[_link(links, snapshot_id, column)[1]], dtype).reshape(lanes, SLOTS)


def _value(contents: Mapping[int, bytes], links: Links, snapshot_id: int, lengths: NDArray[Any], index: int) -> bytes:
    if not lengths[index]:
        return b""
    first, block_id = _link(links, snapshot_id, Column.HEAP)
    start = int(lengths[first % SLOTS : index].sum())
    value = contents[block_id][start : start + int(lengths[index])]
    if len(value) != lengths[index]:
        raise ValueError(f"snapshot {snapshot_id} holds {len(value)} bytes of it instead of {lengths[index]}")
    return value


def _link(links: Links, snapshot_id: int, column: Column) -> tuple[int, int]:
    try:
        return links[snapshot_id, column]
    except KeyError:
        raise ValueError(f"the {column.name} of snapshot {snapshot_id} are missing") from None
