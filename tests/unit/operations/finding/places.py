"""Consoles that look for snapshots, on a machine and a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from snapioc.model import NewSnapshot, Page, PvSet, Reading, Snapshot, SnapshotHeader, Wanted
from snapioc.operations import Console
from snapioc.operations.finding import Browser
from snapioc.operations.settings import Settings

from ..fakes import FakeStore
from ..machine import Machine


@dataclass
class SlowStore(FakeStore):
    """Queries wait for a gate, if there is one, and are counted."""

    gate: asyncio.Event | None = None
    queries: list[Any] = field(default_factory=list)

    async def find(self, wanted: Wanted, *, upto: int | None = None, offset: int = 0, limit: int = 20) -> Page:
        self.queries.append(wanted)
        await self._pass()
        return await super().find(wanted, upto=upto, offset=offset, limit=limit)

    async def load(self, snapshot_id: int) -> Snapshot:
        self.queries.append(snapshot_id)
        await self._pass()
        return await super().load(snapshot_id)

    async def history(
        self, pv: str, limit: int, set_name: str | None = None, elements: int | None = None
    ) -> list[tuple[SnapshotHeader, Reading]]:
        self.queries.append(pv)
        found = await super().history(pv, limit, set_name, elements)
        await self._pass()
        return found

    async def is_asked(self, queries: int) -> None:
        """Return when one more query than these has begun."""
        while len(self.queries) <= queries:
            await asyncio.sleep(0)

    async def _pass(self) -> None:
        gate = self.gate
        if gate:
            await gate.wait()


class Place(Machine):
    """A machine whose store is slow, and its main console."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store = self.plant.store = SlowStore()
        self.plant.settings = Settings(self.store, self.plant.store_is)
        self.console.browser = Browser(self.plant, self.console.state)

    async def filled(self, count: int, **fields: Any) -> None:
        """So many snapshots more of the set A, straight into the store."""
        pv_set = self.plant.sets["A"].pv_set
        for _ in range(count):
            await self.add(pv_set, **fields)

    async def add(self, pv_set: PvSet, **fields: Any) -> int:
        readings = await self.channels.read(pv_set.pvs, 1.0)
        header = await self.store.save(NewSnapshot(pv_set, readings, **fields))
        self.plant.is_newest(header)
        return header.id


@dataclass
class Seen:
    """Keeps what was shown at each change."""

    what: Callable[[], Any]
    seen: list[Any] = field(default_factory=list)

    async def changed(self) -> None:
        self.seen.append(self.what())


@asynccontextmanager
async def place(count: int = 0, *members: Any, **fields: Any) -> AsyncIterator[Place]:
    """With so many snapshots, and a browser that has begun."""
    made = Place({"A": members}) if members else Place()
    await made.filled(count, **fields)
    async with browsing(made.console):
        yield made


@asynccontextmanager
async def browsing(console: Console) -> AsyncIterator[None]:
    """The browser of a console shows its list."""
    console.browser.start()
    await console.browser.list.again()
    try:
        yield
    finally:
        await console.browser.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what comes by itself before long."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)
