"""What tests of snapshots that take themselves share: settings, counts, and what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aioca

from snapioc.model import AUTOMATIC, Events, Snapshot, SnapshotHeader, Wanted
from snapioc.store import SqlStore

from .restoring import Desk

SET = ("ARM", "PERIOD", "KEEP", "ON_CHANGE", "MIN_INTERVAL", "TRIG_PV", "TRIG_ON", "BURST", "WINDOW", "SUB_PUSH", "BACK")
TEXTS = ("KEEP", "TRIG_PV", "TRIG_ON")


async def configure(desk: Desk, **settings: Any) -> None:
    """Put settings; ARM comes last."""
    for name, value in settings.items():
        # A PV name may be longer than a DBR_STRING.
        name, options = (f"{name}.VAL$", {"datatype": aioca.DBR_CHAR_STR}) if name in TEXTS else (name, {})
        await aioca.caput(f"{desk.site.prefix}A:{name}", value, wait=True, **options)


async def counts(desk: Desk) -> tuple[int, int]:
    """TAKEN and MISSED."""
    return int(await desk.get("TAKEN")), int(await desk.get("MISSED"))


async def until_taken(desk: Desk, wanted: int) -> None:
    """Wait until so many are taken; what is missed meanwhile is no matter."""
    async with asyncio.timeout(60):
        while (await counts(desk))[0] < wanted:
            await asyncio.sleep(0.05)


async def until_missed(desk: Desk, wanted: int) -> None:
    """Wait until so many are missed."""
    async with asyncio.timeout(60):
        while (await counts(desk))[1] < wanted:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def store_of(desk: Desk) -> AsyncIterator[SqlStore]:
    """The store, as another process opens it."""
    store = SqlStore(f"sqlite:///{desk.site.folder / 'snapshots.db'}")
    await store.open(migrate=True)  # to be able to write
    try:
        yield store
    finally:
        await store.close()


async def automatic(desk: Desk, count: int = 100) -> list[SnapshotHeader]:
    """The automatic snapshots, the newest first."""
    async with store_of(desk) as store:
        return list((await store.find(Wanted(kinds=(AUTOMATIC,)), limit=count)).headers)


async def stored(desk: Desk, *ids: int) -> list[tuple[Snapshot, Events | None]]:
    """Snapshots with their events."""
    async with store_of(desk) as store:
        return [(await store.load(number), await store.events(number)) for number in ids]
