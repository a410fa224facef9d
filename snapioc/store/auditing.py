"""The audit log: who changed or deleted what, and what was there before."""

from __future__ import annotations

import time

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import AuditEntry, Origin

from .record_tables import audit
from .texts import storable


async def note(connection: AsyncConnection, origin: Origin, what: str, snapshot_id: int, before: str, after: str) -> None:
    """Add an entry about a snapshot, now."""
    row = {
        "at": time.time(),
        "by_user": storable(origin.user),
        "by_host": storable(origin.host),
        "by_group": origin.group,
        "what": what,
        "subject": _subject(snapshot_id),
        "before": before,
        "after": after,
    }
    await connection.execute(insert(audit).values(row))


async def entries(connection: AsyncConnection, limit: int | None, snapshot_id: int | None) -> list[AuditEntry]:
    """The newest entries, of one snapshot or of all, newest first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if snapshot_id is not None:
        query = query.where(audit.c.subject == _subject(snapshot_id))
    rows = await connection.execute(query)
    return [
        AuditEntry(row.at, Origin(row.by_user, row.by_host, row.by_group), row.what, row.subject, row.before, row.after)
        for row in rows
    ]


def _subject(snapshot_id: int) -> str:
    return f"snapshot {snapshot_id}"
