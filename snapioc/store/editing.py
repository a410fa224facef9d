"""Editing what is said of a snapshot; its values never change."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import Origin, SnapshotHeader

from . import auditing, headers
from .database import Database
from .tables import snapshot
from .texts import storable


async def edit(
    database: Database, snapshot_id: int, origin: Origin, texts: dict[str, str], tags: Sequence[str] | None
) -> SnapshotHeader:
    """Change the texts (title, comment) and the tags that are given, and note each that is another one now.

    Raises UnknownSnapshot.
    """
    async with database.write() as connection:
        old = await headers.one(connection, snapshot_id)
        for name, text in texts.items():
            await _set_text(connection, old, origin, name, storable(text))
        if tags is not None:
            await _set_tags(connection, old, origin, headers.clean_tags(tags))
        return await headers.one(connection, snapshot_id)


async def _set_text(connection: AsyncConnection, old: SnapshotHeader, origin: Origin, name: str, text: str) -> None:
    before = getattr(old, name)
    if text != before:
        await connection.execute(update(snapshot).where(snapshot.c.id == old.id).values({name: text}))
        await auditing.note(connection, origin, name, old.id, before, text)


async def _set_tags(connection: AsyncConnection, old: SnapshotHeader, origin: Origin, tags: tuple[str, ...]) -> None:
    if tags != old.tags:
        await headers.replace_tags(connection, old.id, tags)
        await auditing.note(connection, origin, "tags", old.id, ", ".join(old.tags), ", ".join(tags))
