"""Snapshots with their values: in as blocks, out as Readings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import NewSnapshot, Snapshot, SnapshotHeader, StoreError

from . import event_blocks, headers, metadata_ids, set_versions
from .batches import insert_all
from .block_table import fetch, keep
from .blocks import Block, Packed, pack_all, unpack_all
from .columns import Column, Key, Planes, decode, encode, to_readings
from .database import Database
from .memory import Version
from .tables import snapshot, snapshot_block, snapshot_window


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A snapshot encoded and packed, so that the transaction that adds it lasts a few milliseconds."""

    new: NewSnapshot
    version: Version
    blocks: Mapping[tuple[int, int], Block]
    """By part and first slot (of events: first event)."""
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
    event_ids = await _event_metadata_ids(database, new, len(version.slots))
    return Prepared(new, version, *await asyncio.to_thread(_encoded, new, version.slots, (ids, event_ids), known))


async def add(connection: AsyncConnection, prepared: Prepared) -> SnapshotHeader:
    """Insert a snapshot."""
    header = await headers.add(connection, prepared.new, prepared.version)
    ids = await keep(connection, prepared.blocks.values(), prepared.packed)
    links = [
        {"snapshot_id": header.id, "part": part, "first_slot": first, "block_id": ids[block.digest]}
        for (part, first), block in prepared.blocks.items()
    ]
    await insert_all(connection, snapshot_block, links)
    events = prepared.new.events
    if events is not None:
        times = {"started_at": events.readings.started, "finished_at": events.readings.finished}
        await connection.execute(insert(snapshot_window).values(snapshot_id=header.id, events=len(events), **times))
    return header


async def load(database: Database, snapshot_id: int) -> Snapshot:
    """The snapshot with this id. Raises StoreError if there is none, or it is damaged."""
    async with database.read() as connection:
        header = await headers.one(connection, snapshot_id)
        row = (await connection.execute(select(snapshot).where(snapshot.c.id == snapshot_id))).one()
        values = (snapshot_block.c.snapshot_id == snapshot_id) & (snapshot_block.c.part < event_blocks.FIRST_PART)
        links = (await connection.execute(select(snapshot_block).where(values))).all()
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


async def _event_metadata_ids(database: Database, new: NewSnapshot, size: int) -> NDArray[np.int64]:
    if new.events is None:
        return np.zeros(0, np.int64)
    if new.events.rows.max(initial=-1) >= size:
        raise StoreError(f"set {new.pv_set.name} has {size} PVs, but events of others were to be stored")
    return await metadata_ids.register(database, f"{new.pv_set.name} events", new.events.readings.metadatas)


def _encoded(
    new: NewSnapshot,
    slots: NDArray[np.int32],
    metadata_ids: tuple[NDArray[np.int64], NDArray[np.int64]],
    known: frozenset[bytes],
) -> tuple[dict[tuple[int, int], Block], dict[bytes, bytes]]:
    """The blocks, and those among them packed that the last snapshot of the set did not have.

    `metadata_ids` are those of the values and those of the events.
    """
    columns = encode(new.readings, slots, metadata_ids[0])
    blocks = {(int(key.column), key.slot): block for key, block in columns.items()}
    if new.events is not None:
        blocks |= event_blocks.blocks_of(new.events, metadata_ids[1])
    return blocks, pack_all({block.digest: block for block in blocks.values() if block.digest not in known}.values())


def _decoded(
    keys: Mapping[Key, int], packed: Mapping[int, Packed], slots: NDArray[np.int32]
) -> tuple[Planes, NDArray[np.int64], bytes]:
    contents = unpack_all(packed)
    return decode({key: contents[block_id] for key, block_id in keys.items()}, slots)
