"""One PV over many snapshots: per snapshot one number of each column, and only the blocks of the PV's own position."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import AUTOMATIC, DTYPES, MANUAL, DbrType, Metadata, Reading, SnapshotHeader, StoreError

from . import finding, holding, metadata_ids
from .batches import batches
from .block_table import fetch
from .blocks import Packed, unpack, unpack_all
from .columns import LANES, SLOTS, Column, Planes, running, to_readings
from .database import Database
from .tables import block, snapshot_block

Links: TypeAlias = Mapping[tuple[int, int], tuple[int, int]]
"""(snapshot id, column) to (first slot, block id)."""

PORTION = 4_000_000
"""Packed bytes of texts and arrays that are fetched at a time, and at least one block."""


class _Span(NamedTuple):
    """Where a value lies: so many bytes of a heap block."""

    block_id: int
    start: int
    length: int


async def history(
    database: Database, pv: str, limit: int, set_name: str | None, elements: int | None
) -> list[tuple[SnapshotHeader, Reading]]:
    """The newest `limit` snapshots that hold the PV, of one set or of all, newest first, with what it held in each.

    Those before and after restores are left out: they hold few PVs, and would push others out of the limit. Empty if the PV
    was never in a set. Of an array the first `elements` are kept, or all. Raises StoreError if a snapshot is damaged.
    """
    try:
        async with database.read() as connection:
            places = await holding.places(connection, database.memory, pv, set_name)
            found = await finding.newest_of(connection, (MANUAL, AUTOMATIC), places, limit)
            of_snapshots = {header.id: places[version_id] for header, version_id in found}
            links = await _links(connection, of_snapshots)
            numbers = await fetch(connection, (link[1] for (_, part), link in links.items() if part != Column.HEAP))
            planes, spans = await asyncio.to_thread(_picked, of_snapshots, links, numbers)
            kept = await _kept(connection, _wanted(spans, planes[Column.SHAPE], elements))
        metadatas = await metadata_ids.load(database, np.unique(planes[Column.SHAPE][2]).tolist())
    except ValueError as fault:
        raise StoreError(f"the history of {pv} is damaged in the store: {fault}") from fault
    readings = await asyncio.to_thread(_readings, planes, [kept[span] if span else b"" for span in spans], metadatas)
    return [(header, reading) for (header, _), reading in zip(found, readings, strict=True)]


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


def _picked(places: Mapping[int, int], links: Links, packed: Mapping[int, Packed]) -> tuple[Planes, list[_Span | None]]:
    """Per snapshot the PV's number in each column, and where its bytes lie, if it has any.

    Column by column, as what is unpacked is many times what is wanted of it. Raises ValueError if a block is damaged.
    """
    planes = {column: np.zeros((lanes, len(places)), dtype) for column, (dtype, lanes) in LANES.items()}
    spans: list[_Span | None] = []
    for column, plane in planes.items():
        contents = unpack_all({block_id: packed[block_id] for block_id in _block_ids(places, links, column)})
        for row, (snapshot_id, place) in enumerate(places.items()):
            numbers = _numbers(contents[_link(links, snapshot_id, column)[1]], column)
            plane[:, row] = numbers[:, place % SLOTS]
            if column is Column.LENGTHS:
                spans.append(_span(links, snapshot_id, numbers[0], place % SLOTS))
    return planes, spans


def _block_ids(places: Mapping[int, int], links: Links, column: Column) -> set[int]:
    return {_link(links, snapshot_id, column)[1] for snapshot_id in places}


def _numbers(content: bytes, column: Column) -> NDArray[Any]:
    dtype, lanes = LANES[column]
    return np.frombuffer(content, dtype).reshape(lanes, SLOTS)


def _span(links: Links, snapshot_id: int, lengths: NDArray[Any], index: int) -> _Span | None:
    if not lengths[index]:
        return None
    first, block_id = _link(links, snapshot_id, Column.HEAP)
    return _Span(block_id, int(lengths[first % SLOTS : index].sum()), int(lengths[index]))


def _wanted(spans: Sequence[_Span | None], shapes: NDArray[Any], elements: int | None) -> dict[_Span, int]:
    """How many bytes of each value are wanted. A text is one element, however long."""
    wanted = {}
    for span, state, count in zip(spans, *shapes[:2].tolist(), strict=True):
        if span:
            wanted[span] = span.length
            if elements is not None and count > elements:
                wanted[span] = elements * DTYPES[DbrType(state >> 8 & 0xFF)].itemsize
    return wanted


async def _kept(connection: AsyncConnection, wanted: Mapping[_Span, int]) -> dict[_Span, bytes]:
    """What is kept of each value. Some blocks at a time: a thousand snapshots of a long array are gigabytes."""
    kept: dict[_Span, bytes] = {}
    for portion in _portions(await _sizes(connection, {span.block_id for span in wanted})):
        packed = await fetch(connection, portion)
        kept |= await asyncio.to_thread(_cut, packed, {span: wanted[span] for span in wanted if span.block_id in packed})
    return kept


async def _sizes(connection: AsyncConnection, ids: Collection[int]) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for batch in batches(sorted(ids)):
        query = select(block.c.id, func.length(block.c.data).label("size")).where(block.c.id.in_(batch))
        rows = await connection.execute(query)
        sizes |= {row.id: row.size for row in rows}
    return sizes


def _portions(sizes: Mapping[int, int]) -> Iterator[list[int]]:
    portion: list[int] = []
    size = 0
    for block_id, more in sizes.items():
        if portion and size + more > PORTION:
            yield portion
            portion, size = [], 0
        portion.append(block_id)
        size += more
    if portion:
        yield portion


def _cut(packed: Mapping[int, Packed], wanted: Mapping[_Span, int]) -> dict[_Span, bytes]:
    """One block after the other, so that only one of them is unpacked at a time. Raises ValueError if one is damaged."""
    of_block: dict[int, list[_Span]] = {}
    for span in wanted:
        of_block.setdefault(span.block_id, []).append(span)
    kept = {}
    for block_id, spans in of_block.items():
        content = unpack(packed[block_id])
        for span in spans:
            if len(content) < span.start + span.length:
                raise ValueError(f"a block of texts and arrays has only {len(content)} bytes")
            kept[span] = content[span.start : span.start + wanted[span]]
    return kept


def _readings(planes: Planes, values: Sequence[bytes], metadatas: Mapping[int, Metadata]) -> list[Reading]:
    offsets = running(np.array([len(value) for value in values], np.int64))
    readings = to_readings(planes, offsets, b"".join(values), metadatas, (0.0, 0.0))
    return [readings.reading(row) for row in range(len(values))]


def _link(links: Links, snapshot_id: int, column: Column) -> tuple[int, int]:
    try:
        return links[snapshot_id, column]
    except KeyError:
        raise ValueError(f"the {column.name} of snapshot {snapshot_id} are missing") from None
