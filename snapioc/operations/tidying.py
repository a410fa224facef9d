"""Tidying: the space of deleted snapshots is given back in small steps, in the background."""

from __future__ import annotations

import asyncio

from snapioc.model import StoreError

from .enduring import enduring
from .plant import Plant

PERIOD = 60.0
"""Seconds between two looks when nobody has deleted anything."""

PAUSE = 0.1
"""Seconds between two steps, so that saves go first."""

REST = 1.0
"""Seconds after the last step before the next look, however often snapshots come and go."""


async def tidy(plant: Plant) -> None:
    """Give back for ever what deletions left; a store that fails is asked again later."""
    changed = asyncio.Event()
    plant.list_watchers.append(changed.set)
    await enduring("giving space back", lambda: _tidy(plant, changed))


async def _tidy(plant: Plant, changed: asyncio.Event) -> None:
    while True:
        try:
            while await plant.store.tidy():
                await asyncio.sleep(PAUSE)
        except StoreError as fault:
            await plant.store_is(fault)
        await asyncio.sleep(REST)
        try:
            async with asyncio.timeout(PERIOD):
                await changed.wait()
        except TimeoutError:
            pass  # a snapshot may have been deleted by another process, as a command
        changed.clear()
