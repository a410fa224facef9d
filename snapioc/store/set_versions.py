"""Versions of sets: each distinct one once, with the slots of its PVs, which are the same in all versions of the set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import RowMapping, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import Member, PvSet, StoreError

from .batches import insert_all
from .block_table import fetch, keep
from .blocks import Block, Packed, pack_all, unpack, unpack_all
from .columns import SLOTS
from .database import Database
from .memory import Version
from .tables import pv_set, set_block, set_version, slot


async def register(database: Database, wanted: PvSet) -> Version:
    """The stored version of this set; it is stored now if it is not yet. Raises StoreError if a PV is in it twice."""
    await asyncio.to_thread(lambda: wanted.digest)  # of 40,000 members: half a second, once for each PvSet
    known = database.memory.version_of(wanted)
    if known:
        return known
    async with database.read() as connection:
        version = await _find(connection, wanted)
    if version is None:
        lines = await asyncio.to_thread(_lines, wanted)
        async with database.write() as connection:
            version = await _find(connection, wanted) or await _insert(connection, wanted, lines)
    return database.memory.remember(version)


async def load(database: Database, version_id: int) -> Version:
    """The version with this id. Raises ValueError if it is damaged."""
    known = database.memory.versions.get(version_id)
    if known:
        return known
    columns = (pv_set.c.name, set_version.c.set_id, set_version.c.members, set_version.c.slots)
    query = select(*columns).select_from(set_version).join(pv_set)
    async with database.read() as connection:
        row = (await connection.execute(query.where(set_version.c.id == version_id))).mappings().one()
        links = (await connection.execute(select(set_block).where(set_block.c.version_id == version_id))).all()
        packed = await fetch(connection, (link.block_id for link in links))
    first_slots = {link.first_slot: link.block_id for link in links}
    return database.memory.remember(await asyncio.to_thread(_decoded, version_id, row, first_slots, packed))


def unpack_slots(data: bytes) -> NDArray[np.int32]:
    """The slots that `set_version.slots` holds. Raises ValueError if it is damaged."""
    return np.cumsum(np.frombuffer(unpack((data, 4)), "<i4"), dtype=np.int32)


def _pack_slots(slots: NDArray[np.int32]) -> bytes:
    """As differences: in a set that was never edited these are all 1."""
    block = Block.of(np.diff(slots, prepend=0).astype("<i4").tobytes(), 4)
    return pack_all([block])[block.digest]


async def _find(connection: AsyncConnection, wanted: PvSet) -> Version | None:
    here = (pv_set.c.name == wanted.name) & (set_version.c.digest == wanted.digest)
    query = select(set_version.c.id, set_version.c.set_id, set_version.c.slots).join(pv_set).where(here)
    row = (await connection.execute(query)).one_or_none()
    return Version(row.id, row.set_id, wanted, unpack_slots(row.slots)) if row else None


async def _insert(connection: AsyncConnection, wanted: PvSet, lines: Sequence[str]) -> Version:
    set_id = await _set_id(connection, wanted.name)
    slots = await _assign(connection, set_id, wanted.pvs)
    row = {
        "set_id": set_id,
        "digest": wanted.digest,
        "created_at": time.time(),
        "members": len(wanted.members),
        "slots": _pack_slots(slots),
    }
    version_id = (await connection.execute(insert(set_version).values(row).returning(set_version.c.id))).scalar_one()
    blocks = _member_blocks(lines, slots)
    ids = await keep(connection, blocks.values(), await asyncio.to_thread(pack_all, blocks.values()))
    links = [
        {"version_id": version_id, "first_slot": first, "block_id": ids[block.digest]} for first, block in blocks.items()
    ]
    await insert_all(connection, set_block, links)
    return Version(version_id, set_id, wanted, slots)


async def _set_id(connection: AsyncConnection, name: str) -> int:
    query = select(pv_set.c.id).where(pv_set.c.name == name)
    known: int | None = (await connection.execute(query)).scalar_one_or_none()
    if known is None:
        known = (await connection.execute(insert(pv_set).values(name=name).returning(pv_set.c.id))).scalar_one()
    return known


async def _assign(connection: AsyncConnection, set_id: int, pvs: Sequence[str]) -> NDArray[np.int32]:
    """The slot of each PV: the one it ever had in this set, or the next free one."""
    rows = await connection.execute(select(slot.c.pv, slot.c.slot).where(slot.c.set_id == set_id))
    slots: dict[str, int] = {row.pv: row.slot for row in rows}
    new = [pv for pv in pvs if pv not in slots]
    slots |= {pv: number for number, pv in enumerate(new, max(slots.values(), default=-1) + 1)}
    await insert_all(connection, slot, [{"set_id": set_id, "slot": slots[pv], "pv": pv} for pv in new])
    return np.array([slots[pv] for pv in pvs], np.int32)


def _lines(wanted: PvSet) -> list[str]:
    if len({member.pv for member in wanted.members}) != len(wanted.members):
        raise StoreError(f"set {wanted.name} names a PV twice, so its snapshots cannot be stored")
    return [member.to_json() for member in wanted.members]


def _member_blocks(lines: Sequence[str], slots: NDArray[np.int32]) -> dict[int, Block]:
    """By first slot what is said of the members in those slots; the members are the first rows of `PvSet.pvs`."""
    positions: dict[int, list[str]] = {}
    for line, place in zip(lines, slots.tolist(), strict=False):
        first = place - place % SLOTS
        positions.setdefault(first, [""] * SLOTS)[place - first] = line
    return {first: Block.of("\n".join(texts).encode(), 1) for first, texts in positions.items()}


def _decoded(version_id: int, row: RowMapping, first_slots: Mapping[int, int], packed: Mapping[int, Packed]) -> Version:
    contents = unpack_all(packed)
    lines = {first: contents[block_id].decode().split("\n") for first, block_id in first_slots.items()}
    slots = unpack_slots(row["slots"])
    places = slots[: row["members"]].tolist()
    members = tuple(Member.from_json(lines[place - place % SLOTS][place % SLOTS]) for place in places)
    return Version(version_id, row["set_id"], PvSet(row["name"], members), slots)
