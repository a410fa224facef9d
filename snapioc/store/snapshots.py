"""Snapshots with their values: in as blocks, out as Readings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from snapioc.model import NewSnapshot, Readings, Snapshot, SnapshotHeader, StoreError

from . import headers, metadata_ids, set_versions
from .batches import insert_all
from .block_table import fetch, keep
from .blocks import Block, Packed, pack_all, unpack_all
from .columns import Column, Key, Planes, decode, encode, to_readings
from .database import Database
from .tables import snapshot, snapshot_block


async def save(database: Database, new: NewSnapshot) -> SnapshotHeader:
    """Commit a snapshot. All is encoded and packed before the transaction begins, which then lasts a few milliseconds."""
    name, readings = new.pv_set.name, new.readings
    version = await set_versions.register(database, new.pv_set)
    if len(readings) != len(version.slots):
        raise StoreError(f"set {name} has {len(version.slots)} PVs, but {len(readings)} readings were to be stored")
    ids = await metadata_ids.register(database, name, readings.metadatas)
    known = database.memory.stored.get(name, frozenset())
    blocks, packed = await asyncio.to_thread(_encoded, readings, version.slots, ids, known)
    async with database.write() as connection:
        header = await headers.add(connection, new, version.id)
        block_ids = await keep(connection, blocks.values(), packed)
        links = [
            {"snapshot_id": header.id, "part": key.column, "first_slot": key.slot, "block_id": block_ids[block.digest]}
            for key, block in blocks.items()
        ]
        await insert_all(connection, snapshot_block, links)
    database.memory.stored[name] = frozenset(block_ids)
    return header


async def load(database: Database, snapshot_id: int) -> Snapshot:
    """The snapshot with this id. Raises StoreError if there is none, or it is damaged."""
    async with database.read() as connection:
        header = await headers.one(connection, snapshot_id)
        row = (await connection.execute(select(snapshot).where(snapshot.c.id == snapshot_id))).one()
        links = (await connection.execute(select(snapshot_block).where(snapshot_block.c.snapshot_id == snapshot_id))).all()
        packed = await fetch(connection, (link.block_id for link in links))
    keys = {Key(Column(link.part), link.first_slot): link.block_id for link in links}
    try:
        version = await set_versions.load(database, row.version_id)
        planes, offsets, heap = await asyncio.to_thread(_decoded, keys, packed, version.slots)
        metadatas = await metadata_ids.load(database, np.unique(planes[Column.SHAPE][2]).tolist())
    except ValueError as fault:
        raise StoreError(f"snapshot {snapshot_id} is damaged in the store: {fault}") from fault
    readings = to_readings(planes, offsets, heap, metadatas, (row.taken_at, row.finished_at))
    return Snapshot(header, version.pv_set, readings)


def _encoded(
    readings: Readings, slots: NDArray[np.int32], ids: NDArray[np.int64], known: frozenset[bytes]
) -> tuple[dict[Key, Block], dict[bytes, bytes]]:
    """The blocks, and those among them packed that the last snapshot of the set did not have."""
    blocks = encode(readings, slots, ids)
    return blocks, pack_all({block.digest: block for block in blocks.values() if block.digest not in known}.values())


def _decoded(
    keys: Mapping[Key, int], packed: Mapping[int, Packed], slots: NDArray[np.int32]
) -> tuple[Planes, NDArray[np.int64], bytes]:
    contents = unpack_all(packed)
    return decode({key: contents[block_id] for key, block_id in keys.items()}, slots)
