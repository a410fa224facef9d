"""Which versions of which sets hold a PV, and where: what a search by PV and a history begin with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import Reason, spellings

from .batches import any_of, batches
from .block_table import fetch
from .blocks import unpack_all
from .columns import LANES, SLOTS, Column
from .memory import Memory
from .set_versions import unpack_slots
from .tables import pv_set, set_version, slot, snapshot, snapshot_block
from .texts import storable


async def places(connection: AsyncConnection, memory: Memory, pv: str, set_name: str | None = None) -> dict[int, int]:
    """By the id of each version that holds the PV, of one set or of all, the slot in which it lies.

    It may be there by any name for the same field. Raises ValueError if a version is damaged.
    """
    slots = await _slots(connection, pv, set_name)
    rows = await connection.execute(
        select(set_version.c.id, set_version.c.set_id).where(set_version.c.set_id.in_(any_of(slots)))
    )
    versions = {row.id: slots[row.set_id] for row in rows}
    await _learn(connection, memory, [version_id for version_id in versions if version_id not in memory.held])
    held = {version_id: [s for s in known if _has(memory.held[version_id], s)] for version_id, known in versions.items()}
    return {version_id: known[0] for version_id, known in held.items() if known}


async def without(connection: AsyncConnection, places: Mapping[int, int], kinds: Sequence[str]) -> list[int]:
    """The ids of those snapshots of these kinds and versions in which the PV in these places was not asked for.

    Raises ValueError if a block is damaged.
    """
    blocks: dict[int, tuple[int, int]] = {}
    for place in set(places.values()):
        versions = [version_id for version_id, mine in places.items() if mine == place]
        columns = snapshot_block.c
        query = select(columns.snapshot_id, columns.block_id).join(snapshot)
        query = query.where(snapshot.c.kind.in_(kinds), snapshot.c.version_id.in_(any_of(versions)))
        rows = await connection.execute(
            query.where(columns.part == Column.SHAPE, columns.first_slot == place - place % SLOTS)
        )
        blocks |= {row.snapshot_id: (row.block_id, place) for row in rows}
    packed = await fetch(connection, (block_id for block_id, _ in blocks.values()))
    contents = await asyncio.to_thread(unpack_all, packed)
    reasons = {block_id: np.frombuffer(content, LANES[Column.SHAPE][0]) & 0xFF for block_id, content in contents.items()}
    return [number for number, (block_id, place) in blocks.items() if reasons[block_id][place % SLOTS] == Reason.NOT_ASKED]


async def _slots(connection: AsyncConnection, pv: str, set_name: str | None) -> dict[int, list[int]]:
    """By set the PV's slots, that of the very name first: over the years a set may have held it by several names."""
    names = [storable(name) for name in spellings(pv)]
    sets = select(pv_set.c.id) if set_name is None else select(pv_set.c.id).where(pv_set.c.name == storable(set_name))
    rows = await connection.execute(select(slot).where(slot.c.set_id.in_(sets), slot.c.pv.in_(names)))
    slots: dict[int, list[int]] = {}
    for row in sorted(rows, key=lambda row: names.index(row.pv)):
        slots.setdefault(row.set_id, []).append(row.slot)
    return slots


async def _learn(connection: AsyncConnection, memory: Memory, version_ids: Sequence[int]) -> None:
    columns = set_version.c
    for batch in batches(version_ids):
        rows = (await connection.execute(select(columns.id, columns.slots).where(columns.id.in_(batch)))).all()
        memory.held |= await asyncio.to_thread(_held, [(row.id, row.slots) for row in rows])


def _held(packed: Sequence[tuple[int, bytes]]) -> dict[int, NDArray[np.uint8]]:
    return {version_id: _bits(slots) for version_id, slots in packed}


def _bits(packed: bytes) -> NDArray[np.uint8]:
    slots = unpack_slots(packed)
    held = np.zeros(int(slots.max(initial=-1)) + 1, bool)
    held[slots] = True
    return np.packbits(held)


def _has(bits: NDArray[np.uint8], place: int) -> bool:
    return place // 8 < len(bits) and bool(bits[place // 8] & 0x80 >> place % 8)
