"""DriftWatches: the watches over all sets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..plant import Plant
from .drift import DriftWatch


class DriftWatches:
    """A watch per configured set; `watchers` are called with the one of which anything is new."""

    def __init__(self, plant: Plant) -> None:
        self.watchers: list[Callable[[DriftWatch], Awaitable[None]]] = []
        self._watches = {name: DriftWatch(plant, name, self._changed) for name in plant.sets}

    def of(self, set_name: str) -> DriftWatch:
        """The watch over a set."""
        return self._watches[set_name]

    async def run(self) -> None:
        """Watch all sets for ever."""
        async with asyncio.TaskGroup() as tasks:
            for watch in self._watches.values():
                tasks.create_task(watch.run())

    async def _changed(self, watch: DriftWatch) -> None:
        for watcher in self.watchers:
            await watcher(watch)
