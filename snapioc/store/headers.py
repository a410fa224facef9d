"""Headers of snapshots: everything but the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import (
    AFTER_RESTORE,
    BEFORE_RESTORE,
    MANUAL,
    NewSnapshot,
    Origin,
    Reason,
    SnapshotHeader,
    UnknownSnapshot,
    count_invalid,
)

from .batches import batches, insert_all
from .memory import Version
from .tables import pv_set, set_version, snapshot, snapshot_tag, tag
from .texts import storable

UNDO = (BEFORE_RESTORE, AFTER_RESTORE)
"""The kinds of snapshots that restores take."""

NOT_UNDO = snapshot.c.kind.not_in(UNDO)
"""Snapshots that a restore took are never the newest one (pv-contract, NEWEST_ID), and in no list unless asked for."""

LARGEST_ID = 2**31 - 1
"""Of a CA integer; larger numbers never reach the database, which might not take them."""


def made_by(group: str) -> ColumnElement[bool]:
    """Snapshots that this group's own TRIGGER made."""
    return (snapshot.c.by_group == group) & (snapshot.c.kind == MANUAL)


async def add(connection: AsyncConnection, new: NewSnapshot, version: Version) -> SnapshotHeader:
    """Insert the header of a snapshot."""
    row = _row(new) | {"version_id": version.id, "set_id": version.set_id}
    new_id = (await connection.execute(insert(snapshot).values(row).returning(snapshot.c.id))).scalar_one()
    tags = clean_tags(new.tags)
    await _add_tags(connection, new_id, tags)
    return _header({**row, "id": new_id, "name": new.pv_set.name, "digest": new.pv_set.digest}, tags)


async def find(
    connection: AsyncConnection, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[SnapshotHeader]:
    """The headers that meet all conditions, the newest first."""
    rows = (
        (await connection.execute(_query().where(*conditions).order_by(snapshot.c.id.desc()).limit(limit))).mappings().all()
    )
    tags = await _tags(connection, [row["id"] for row in rows])
    return [_header(row, tuple(tags.get(row["id"], ()))) for row in rows]


async def one(connection: AsyncConnection, snapshot_id: int) -> SnapshotHeader:
    """The header of this snapshot. Raises StoreError if there is none."""
    found = await find(connection, snapshot.c.id == snapshot_id) if 0 < snapshot_id <= LARGEST_ID else []
    if not found:
        raise UnknownSnapshot(f"there is no snapshot {snapshot_id}")
    return found[0]


def clean_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags as they are stored: each once."""
    return tuple(dict.fromkeys(storable(name) for name in tags))


async def replace_tags(connection: AsyncConnection, snapshot_id: int, tags: Sequence[str]) -> None:
    """Give a snapshot these tags (see `clean_tags`) instead of those that it has."""
    await connection.execute(delete(snapshot_tag).where(snapshot_tag.c.snapshot_id == snapshot_id))
    await _add_tags(connection, snapshot_id, tags)


def _query() -> Select[Any]:
    return select(snapshot, set_version.c.digest, pv_set.c.name).select_from(snapshot).join(set_version).join(pv_set)


def _row(new: NewSnapshot) -> dict[str, Any]:
    readings = new.readings
    return {
        "kind": new.kind,
        "taken_at": readings.started,
        "finished_at": readings.finished,
        "title": storable(new.title),
        "comment": storable(new.comment),
        "by_user": storable(new.origin.user),
        "by_host": storable(new.origin.host),
        "by_group": new.origin.group,
        "restores": new.restores,
        "total": int(np.count_nonzero(readings.reason != Reason.NOT_ASKED)),
        "ok": int(readings.ok.sum()),
        "invalid": count_invalid(readings),
    }


def _header(row: Mapping[str, Any], tags: tuple[str, ...]) -> SnapshotHeader:
    return SnapshotHeader(
        id=row["id"],
        set_name=row["name"],
        set_digest=row["digest"],
        kind=row["kind"],
        taken_at=row["taken_at"],
        title=row["title"],
        comment=row["comment"],
        tags=tags,
        origin=Origin(row["by_user"], row["by_host"], row["by_group"]),
        restores=row["restores"],
        total=row["total"],
        ok=row["ok"],
        invalid=row["invalid"],
        skew=max(0.0, row["finished_at"] - row["taken_at"]),
    )


async def _add_tags(connection: AsyncConnection, snapshot_id: int, names: Sequence[str]) -> None:
    known = await _tag_ids(connection, names)
    new = [{"name": name} for name in names if name not in known]
    await insert_all(connection, tag, new)
    known |= await _tag_ids(connection, [row["name"] for row in new])
    links = [{"snapshot_id": snapshot_id, "position": i, "tag_id": known[name]} for i, name in enumerate(names)]
    await insert_all(connection, snapshot_tag, links)


async def _tag_ids(connection: AsyncConnection, names: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for batch in batches(names):
        rows = await connection.execute(select(tag.c.name, tag.c.id).where(tag.c.name.in_(batch)))
        found |= {row.name: row.id for row in rows}
    return found


async def _tags(connection: AsyncConnection, snapshot_ids: Sequence[int]) -> dict[int, list[str]]:
    tags: dict[int, list[str]] = {}
    links = (
        select(snapshot_tag.c.snapshot_id, tag.c.name)
        .join(tag)
        .order_by(snapshot_tag.c.snapshot_id, snapshot_tag.c.position)
    )
    for batch in batches(snapshot_ids):
        for row in await connection.execute(links.where(snapshot_tag.c.snapshot_id.in_(batch))):
            tags.setdefault(row.snapshot_id, []).append(row.name)
    return tags
