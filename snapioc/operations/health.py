"""The watch over the store: notices when it cannot be written, and when it can be again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from snapioc.model import StoreError

from .plant import Plant

PERIOD = 10.0
"""Seconds between two looks at a store that works."""

PERIOD_WHEN_BAD = 1.0
"""Seconds between two looks at a store that does not."""


async def watch_store(plant: Plant, recovered: Callable[[], Awaitable[None]]) -> None:
    """Probe the store for ever; `recovered` is called each time it can be written again."""
    while True:
        await asyncio.sleep(PERIOD_WHEN_BAD if plant.store_fault else PERIOD)
        was_bad = plant.store_fault is not None
        try:
            await plant.store.probe()
            if was_bad:
                await recovered()
        except StoreError as fault:
            await plant.store_is(fault)
        else:
            await plant.store_is(None)
