"""Restore records: begun in one transaction with the undo snapshot, ended in one with the verdicts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import (
    AFTER_RESTORE,
    BEFORE_RESTORE,
    NewRestore,
    NewSnapshot,
    Origin,
    Outcomes,
    PvSet,
    RestoreEnd,
    RestoreRecord,
    StoreError,
)

from . import headers, outcome_blob, set_versions, snapshots
from .database import Database
from .record_tables import restore
from .tables import pv_set
from .texts import storable

UNFINISHED = restore.c.ended_at.is_(None)
"""Restores that run, or were interrupted."""

_CAN_BE_UNDONE = restore.c.ended_at.is_not(None) & (restore.c.written > 0) & restore.c.undo_id.is_not(None)


async def begin(database: Database, new: NewRestore, pvs: PvSet, before: NewSnapshot | None) -> RestoreRecord:
    """Commit the record of a restore that begins, together with the snapshot that is its way back.

    Raises StoreError if the snapshot that is restored is not there (any more).
    """
    version = await set_versions.register(database, pvs)
    kept = await snapshots.prepare(database, before) if before else None
    async with database.write() as connection:
        await headers.one(connection, new.snapshot_id)
        undo = await snapshots.add(connection, kept.of_restore(BEFORE_RESTORE, new.snapshot_id)) if kept else None
        row = _row(new) | {"set_id": version.set_id, "version_id": version.id}
        row |= {"undo_id": undo.id if undo else None, "begun_at": time.time()}
        new_id: int = (await connection.execute(insert(restore).values(row).returning(restore.c.id))).scalar_one()
        record = await one(connection, new_id)
    if kept:
        kept.remember(database)
    return record


async def end(database: Database, restore_id: int, how: RestoreEnd, left: NewSnapshot | None) -> RestoreRecord:
    """Commit how a restore ended. Raises StoreError if there is no such restore, or it has ended before."""
    blob = await asyncio.to_thread(outcome_blob.encode, how.outcomes)
    kept = await snapshots.prepare(database, left) if left else None
    row = {"result": how.result, "message": storable(how.message), "written": how.written, "outcomes": blob}
    async with database.write() as connection:
        begun = await one(connection, restore_id)
        if begun.ended_at is not None:
            raise StoreError(f"restore {restore_id} has ended before: what is recorded of it stays")
        after = await snapshots.add(connection, kept.of_restore(AFTER_RESTORE, begun.new.snapshot_id)) if kept else None
        row |= {"after_id": after.id if after else None, "ended_at": time.time()}
        await connection.execute(update(restore).where(restore.c.id == restore_id).values(row))
        record = await one(connection, restore_id)
    if kept:
        kept.remember(database)
    return record


async def find(
    connection: AsyncConnection, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[RestoreRecord]:
    """The records that meet all conditions, the newest first."""
    columns = [column for column in restore.c if column is not restore.c.outcomes]
    query = select(*columns, pv_set.c.name).select_from(restore).join(pv_set).where(*conditions)
    rows = (await connection.execute(query.order_by(restore.c.id.desc()).limit(limit))).mappings()
    return [_record(row) for row in rows]


async def one(connection: AsyncConnection, restore_id: int) -> RestoreRecord:
    """The record of this restore. Raises StoreError if there is none."""
    found = await find(connection, restore.c.id == restore_id) if 0 < restore_id <= headers.LARGEST_ID else []
    if not found:
        raise StoreError(f"there is no restore {restore_id}")
    return found[0]


async def outcomes(database: Database, restore_id: int) -> tuple[RestoreRecord, PvSet, Outcomes]:
    """A record with the set whose rows its outcomes name; of an unfinished restore there are none.

    Raises StoreError if there is no such restore, or its outcomes are damaged.
    """
    query = select(restore.c.version_id, restore.c.outcomes).where(restore.c.id == restore_id)
    async with database.read() as connection:
        record = await one(connection, restore_id)
        row = (await connection.execute(query)).one()
    try:
        version = await set_versions.load(database, row.version_id)
        known = Outcomes() if row.outcomes is None else await asyncio.to_thread(outcome_blob.decode, row.outcomes)
    except ValueError as fault:
        raise StoreError(f"the outcomes of restore {restore_id} are damaged in the store: {fault}") from fault
    return record, version.pv_set, known


async def undo_point(connection: AsyncConnection, set_name: str) -> RestoreRecord | None:
    """The restore of this set that UNDO takes back: the last one that has ended and may have written anything."""
    return next(iter(await find(connection, pv_set.c.name == set_name, _CAN_BE_UNDONE, limit=1)), None)


async def check_not_needed(connection: AsyncConnection, snapshot_id: int) -> None:
    """Raise StoreError if the way back of a set, or of a restore that has not ended, would go with this snapshot.

    What was restored belongs to it too: it tells what the restore left, so whether a PV was moved since.
    """
    points = select(func.max(restore.c.id)).where(_CAN_BE_UNDONE).group_by(restore.c.set_id)
    uses = or_(*(column == snapshot_id for column in (restore.c.snapshot_id, restore.c.undo_id, restore.c.after_id)))
    for record in await find(connection, uses, UNFINISHED | restore.c.id.in_(points), limit=1):
        what = "has not ended" if record.ended_at is None else f"could not be undone without it (set {record.new.set_name})"
        raise StoreError(f"snapshot {snapshot_id} cannot be deleted: restore {record.id} {what}")


async def needed(connection: AsyncConnection, set_name: str) -> set[int]:
    """The ids of the snapshots of a set that `check_not_needed` would not let go."""
    records = await find(connection, pv_set.c.name == set_name, UNFINISHED)
    point = await undo_point(connection, set_name)
    ids = ((record.new.snapshot_id, record.undo_id, record.after_id) for record in [*records, *([point] if point else [])])
    return {number for numbers in ids for number in numbers if number is not None}


def _row(new: NewRestore) -> dict[str, Any]:
    return {
        "snapshot_id": new.snapshot_id,
        "by_user": storable(new.origin.user),
        "by_host": storable(new.origin.host),
        "by_group": new.origin.group,
        "filter": storable(new.filter),
        "policy": new.policy,
        "changed_only": new.changed_only,
        "verify": new.verify,
        "undoes": new.undoes,
        "result": "",
        "message": "",
        "written": 0,
    }


def _record(row: Mapping[Any, Any]) -> RestoreRecord:
    new = NewRestore(
        snapshot_id=row["snapshot_id"],
        set_name=row["name"],
        origin=Origin(row["by_user"], row["by_host"], row["by_group"]),
        filter=row["filter"],
        policy=row["policy"],
        changed_only=row["changed_only"],
        verify=row["verify"],
        undoes=row["undoes"],
    )
    return RestoreRecord(
        id=row["id"],
        new=new,
        undo_id=row["undo_id"],
        begun_at=row["begun_at"],
        ended_at=row["ended_at"],
        result=row["result"],
        message=row["message"],
        written=row["written"],
        after_id=row["after_id"],
    )
