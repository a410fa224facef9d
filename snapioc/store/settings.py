"""Settings of groups: texts by group and name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import GOLDEN_ID

from . import headers
from .batches import batches, insert_all
from .record_tables import setting
from .texts import storable

_KEY = tuple_(setting.c.group, setting.c.name)


async def load(connection: AsyncConnection) -> dict[tuple[str, str], str]:
    """All of them."""
    rows = await connection.execute(select(setting))
    return {(row.group, row.name): row.value for row in rows}


async def keep(connection: AsyncConnection, changed: Mapping[tuple[str, str], str]) -> None:
    """Store these instead of what is there of them. Raises UnknownSnapshot if one makes golden what is not there."""
    for (_, name), value in changed.items():
        if name == GOLDEN_ID and value.isdecimal() and int(value):
            await headers.one(connection, int(value))
    for keys in batches(list(changed)):
        await connection.execute(delete(setting).where(_KEY.in_(keys)))
    rows = [{"group": group, "name": name, "value": storable(value)} for (group, name), value in changed.items()]
    await insert_all(connection, setting, rows)


async def golden(connection: AsyncConnection, sets: Collection[str] | None) -> dict[int, str]:
    """The ids of the golden snapshots of these sets (None: of all), each with the name of its set."""
    rows = await connection.execute(select(setting.c.group, setting.c.value).where(setting.c.name == GOLDEN_ID))
    return {int(row.value): row.group for row in rows if row.value.isdecimal() and (sets is None or row.group in sets)}


async def forget_golden(connection: AsyncConnection, snapshot_id: int) -> None:
    """This snapshot is golden for no set any more."""
    await connection.execute(delete(setting).where(setting.c.name == GOLDEN_ID, setting.c.value == str(snapshot_id)))
