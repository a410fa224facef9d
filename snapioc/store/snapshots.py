"""Snapshots with their values: in as blocks, out as Readings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import NewSnapshot, Readings, Snapshot, SnapshotHeader, StoreError

from . import headers, metadata_ids, set_versions
from .batches import insert_all
from .block_table import fetch, keep
from .blocks import Block, Packed, pack_all, unpack_all
from .columns import Column, Key, Planes, decode, encode, to_readings
from .database import Database
from .memory import Version
from .tables import snapshot, snapshot_block


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A snapshot encoded and packed, so that the transaction that adds it lasts a few milliseconds."""

    new: NewSnapshot
    version: Version
    blocks: Mapping[Key, Block]
    packed: Mapping[bytes, bytes]

    def of_restore(self, kind: str, restored: int) -> Prepared:
        """The same as the snapshot of this kind that belongs to a restore of that snapshot."""
        return replace(self, new=replace(self.new, kind=kind, restores=restored))

    def remember(self, database: Database) -> None:
        """Note, once it is committed, that the store has its blocks."""
        database.memory.stored[self.new.pv_set.name] = frozenset(block.digest for block in self.blocks.values())


async def save(database: Database, new: NewSnapshot) -> SnapshotHeader:
    """Commit a snapshot."""
    prepared = await prepare(database, new)
    async with database.write() as connection:
        header = await add(connection, prepared)
    prepared.remember(database)
    return header


async def prepare(database: Database, new: NewSnapshot) -> Prepared:
    """Do all that can be done before the transaction. Raises StoreError if there is not a reading per PV of the set."""
    name, readings = new.pv_set.name, new.readings
    version = await set_versions.register(database, new.pv_set)
    if len(readings) != len(version.slots):
        raise StoreError(f"set {name} has {len(version.slots)} PVs, but {len(readings)} readings were to be stored")
    ids = await metadata_ids.register(database, name, readings.metadatas)
    known = database.memory.stored.get(name, frozenset())
    return Prepared(new, version, *await asyncio.to_thread(_encoded, readings, version.slots, ids, known))


async def add(connection: AsyncConnection, prepared: Prepared) -> SnapshotHeader:
    """Insert a snapshot."""
    header = await headers.add(connection, prepared.new, prepared.version.id)
    ids = await keep(connection, prepared.blocks.values(), prepared.packed)
    links = [
        {"snapshot_id": header.id, "part": key.column, "first_slot": key.slot, "block_id": ids[block.digest]}
        for key, block in prepared.blocks.items()
    ]
    await insert_all(connection, snapshot_block, links)
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
