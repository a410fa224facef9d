"""The watch over the store: notices when it cannot be written, when it can be again, and what it knows from before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from snapioc.model import StoreError

from .plant import Plant
from .recovery import Recovery, Shows, recovered


class Remembers(Shows, Protocol):
    """A group that takes over its newest snapshot from the store."""

    async def remember(self) -> None:
        """Raises StoreError."""


PERIOD = 10.0
"""Seconds between two looks at a store that works."""

PERIOD_WHEN_BAD = 1.0
"""Seconds between two looks at a store that does not."""


async def watch_store(plant: Plant, groups: Sequence[Remembers]) -> None:
    """Keep STORE_OK true for ever; remember and recover what was before the start as soon as the store answers."""
    recovery = Recovery(plant, groups)
    while True:
        await recovery.go_on()
        good = plant.remembered and plant.recovered and not plant.store_fault
        await asyncio.sleep(PERIOD if good else PERIOD_WHEN_BAD)
        await look_at_store(plant)
        await remember(plant, groups)
        await _catch_up(plant)


async def _catch_up(plant: Plant) -> None:
    """Tell a store that works again how restores ended, and what was set, while it did not."""
    try:
        await plant.settings.keep()
        async for set_name in plant.records.catch_up():
            await plant.look_at_undo(set_name)
    except StoreError as fault:
        await plant.store_is(fault)


async def look_at_store(plant: Plant) -> None:
    """Keep STORE_OK true to whether the store can be written now."""
    try:
        await plant.store.probe()
    except StoreError as fault:
        await plant.store_is(fault)
    else:
        await plant.store_is(None)


async def remember(plant: Plant, groups: Sequence[Remembers]) -> None:
    """Take over what the store knows from before, once, if it answers."""
    if plant.remembered or plant.store_fault:
        return
    try:
        newest = await plant.store.newest()
        if newest:
            plant.is_newest(newest)
        await plant.settings.load()
        for group in groups:
            await group.remember()
        for set_name in plant.sets:
            await plant.look_at_undo(set_name)
        if not plant.recovered and not await plant.store.unfinished_restores():
            await recovered(plant, groups)
        plant.remembered = True
    except StoreError as fault:
        await plant.store_is(fault)
    await plant.notify()
