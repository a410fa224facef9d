"""Reference: a set's golden snapshot as it stands in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from snapioc.model import SnapshotHeader, StoreError

from ..plant import Plant
from ..strangers import strangers
from .golden import Golden

TITLES_PERIOD = 1.0
"""Seconds between two looks at what is said of the snapshot, while the list of snapshots changes."""


class Reference:
    """Loads the golden snapshot once, for its values never change; its title may, and is followed."""

    def __init__(self, plant: Plant) -> None:
        self.header: SnapshotHeader | None = None
        """What is known of the golden snapshot; None: there is none, or it is not loaded."""
        self._plant = plant
        self._golden: Golden | None = None
        self._listed = asyncio.Event()
        plant.list_watchers.append(self._listed.set)

    async def golden(self, snapshot_id: int) -> Golden:
        """The snapshot, and its PVs given their time to connect. Raises StoreError if it cannot be loaded, or SnapError."""
        if self._golden is None or self._golden.snapshot_id != snapshot_id:
            self.forget()
            snapshot = await self._plant.store.load(snapshot_id)
            golden = await asyncio.to_thread(Golden, snapshot)
            self.header = snapshot.header
            unknown = strangers(self._plant, golden.pvs)
            if unknown:
                await self._plant.channels.connect(unknown, self._plant.connect_timeout)
            self._golden = golden
        return self._golden

    def forget(self) -> None:
        """There is no golden snapshot any more, or another one."""
        self._golden = self.header = None

    async def follow(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Keep the header true for ever."""
        while True:
            await self._listed.wait()
            self._listed.clear()
            if self.header and await self._look(self.header):
                await changed()
            await asyncio.sleep(TITLES_PERIOD)

    async def _look(self, known: SnapshotHeader) -> bool:
        try:
            header = await self._plant.store.header(known.id)
        except StoreError:
            return False  # STORE_OK says so; what was known of it stays
        if self.header is not known or header == known:
            return False
        self.header = header
        return True
