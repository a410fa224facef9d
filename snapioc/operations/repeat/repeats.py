"""Repeats: the repetition of all sets of an IOC."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..enduring import enduring
from ..plant import Plant
from .repeat import Repeat

TELL_AT_MOST_EVERY = 0.2
"""Seconds: snapshots that take themselves may come faster than anybody wants to see NEWEST_ID change."""


class Repeats(dict[str, Repeat]):
    """A Repeat per configured set, by name."""

    def __init__(self, plant: Plant) -> None:
        super().__init__({name: Repeat(plant, settings) for name, settings in plant.sets.items()})
        self._plant, self._taken = plant, asyncio.Event()
        plant.list_watchers.append(self._taken.set)

    def watch(self, watcher: Callable[[Repeat], Awaitable[None]]) -> None:
        """Call `watcher` with each Repeat that has news."""
        for repeat in self.values():
            repeat.watchers.append(watcher)

    async def run(self) -> None:
        """Take snapshots for ever."""
        async with asyncio.TaskGroup() as tasks:
            for name, repeat in self.items():
                tasks.create_task(enduring(f"the repetition of {name}", repeat.run))
            tasks.create_task(enduring("showing the newest snapshot", self._tell))

    async def _tell(self) -> None:
        while True:
            await self._taken.wait()
            self._taken.clear()
            await self._plant.notify()
            await asyncio.sleep(TELL_AT_MOST_EVERY)
