"""Finding snapshots by what is said of them, page by page."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fnmatch import translate

from sqlalchemy import ColumnElement, CompoundSelect, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import Page, SnapshotHeader, StoreError, Wanted

from . import headers, holding
from .batches import any_of, batches
from .database import Database
from .tables import pv_set, snapshot, snapshot_tag, tag
from .texts import storable


async def find(database: Database, wanted: Wanted, upto: int | None, offset: int, limit: int) -> Page:
    """A page of the wanted snapshots with ids not above `upto`. Raises StoreError if a set is damaged."""
    async with database.read() as connection:
        conditions = await _conditions(connection, database, wanted)
        conditions += [] if upto is None else [snapshot.c.id <= upto]
        ids = await _ids(connection, _newest(wanted, conditions).limit(limit).offset(offset))
        is_last = len(ids) < limit and (ids or not offset)
        count = offset + len(ids) if is_last else await _count(connection, wanted, conditions)
        return Page(tuple(await _headers(connection, ids)), count)


async def newer(database: Database, wanted: Wanted, than: int) -> int:
    """How many of the wanted snapshots have greater ids. Raises StoreError if a set is damaged."""
    async with database.read() as connection:
        conditions = await _conditions(connection, database, wanted)
        return await _count(connection, wanted, [*conditions, snapshot.c.id > than])


async def newest_of(
    connection: AsyncConnection, kinds: tuple[str, ...], versions: Collection[int], limit: int
) -> list[tuple[SnapshotHeader, int]]:
    """The newest snapshots of these kinds and versions, newest first, each with its version."""
    newest = _newest(Wanted(kinds), [snapshot.c.version_id.in_(any_of(versions))]).limit(limit)
    found = (await connection.execute(newest)).all()
    return list(zip(await _headers(connection, [row.id for row in found]), (row.version_id for row in found), strict=True))


async def _ids(connection: AsyncConnection, query: CompoundSelect[int, int]) -> list[int]:
    return list((await connection.execute(query)).scalars())


async def _headers(connection: AsyncConnection, ids: Sequence[int]) -> list[SnapshotHeader]:
    """The headers with these ids, which fall."""
    return [header for batch in batches(ids) for header in await headers.find(connection, snapshot.c.id.in_(batch))]


async def _count(connection: AsyncConnection, wanted: Wanted, conditions: list[ColumnElement[bool]]) -> int:
    kinds = [snapshot.c.kind.in_(wanted.kinds)] if wanted.kinds else []
    query = select(func.count()).select_from(snapshot).where(*kinds, *conditions)
    return (await connection.execute(query)).scalar_one()


def _newest(wanted: Wanted, conditions: list[ColumnElement[bool]]) -> CompoundSelect[int, int]:
    """Ids and versions, newest first. A part per kind: each has an index in that order, and SQLite merges them."""
    all_kinds = select(snapshot.c.id, snapshot.c.version_id).where(*conditions)
    parts = [all_kinds.where(snapshot.c.kind == kind) for kind in dict.fromkeys(wanted.kinds)]
    query = union_all(*parts or [all_kinds])
    return query.order_by(query.selected_columns.id.desc())


async def _conditions(connection: AsyncConnection, database: Database, wanted: Wanted) -> list[ColumnElement[bool]]:
    """What is asked for besides the kinds."""
    conditions = []
    if wanted.title:
        if not _is_glob(wanted.title):
            conditions.append(snapshot.c.title != "")  # automatic ones have none, and a comparison costs next to nothing
        conditions.append(snapshot.c.title.regexp_match(_pattern(storable(wanted.title))))
    if wanted.tag:
        tagged = select(snapshot_tag.c.snapshot_id).join(tag).where(tag.c.name == storable(wanted.tag))
        conditions.append(snapshot.c.id.in_(tagged))
    if wanted.set_name:
        named = select(pv_set.c.id).where(pv_set.c.name == storable(wanted.set_name))
        conditions.append(snapshot.c.set_id == named.scalar_subquery())
    if wanted.since is not None:
        conditions.append(snapshot.c.taken_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(snapshot.c.taken_at <= wanted.until)
    if wanted.pv:
        conditions += await _holding(connection, database, wanted)
    return conditions


async def _holding(connection: AsyncConnection, database: Database, wanted: Wanted) -> list[ColumnElement[bool]]:
    try:
        places = await holding.places(connection, database.memory, wanted.pv, wanted.set_name or None)
        kinds = [kind for kind in headers.UNDO if kind in wanted.kinds or not wanted.kinds]
        without = await holding.without(connection, places, kinds) if kinds else []
    except ValueError as fault:
        raise StoreError(f"which snapshots hold {wanted.pv} cannot be told, the store is damaged: {fault}") from fault
    return [snapshot.c.version_id.in_(any_of(places)), snapshot.c.id.not_in(any_of(without))]


def _pattern(title: str) -> str:
    """A regular expression for what `Wanted.title` says."""
    return r"(?i)\A" + translate(title) if _is_glob(title) else "(?i)" + re.escape(title)


def _is_glob(title: str) -> bool:
    return any(character in title for character in "*?[")
