"""KEEP: deletes the automatic snapshots of a set that are more than wanted, or older, a few at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from snapioc.model import StoreError

from ..plant import Plant
from .keep import Keep
from .state import Account

AT_MOST_EVERY = 1.0
"""Seconds between two prunings at least."""

PAUSE = 0.05
"""Seconds between two steps, so that saves go first."""

AT_LEAST_EVERY = 60.0
"""Seconds between two looks at what has become too old, also if no snapshot is taken."""


class Pruning:
    """Prunes after snapshots; what goes wrong is shown, and tried again with the next one."""

    def __init__(self, plant: Plant, set_name: str, account: Account, publish: Callable[[], Awaitable[None]]) -> None:
        self._plant, self._name, self._account, self._publish = plant, set_name, account, publish
        self._taken = asyncio.Event()
        self.keep = Keep()

    def after_snapshot(self) -> None:
        """There is one more."""
        self._taken.set()

    async def run(self) -> None:
        """Prune for ever."""
        while True:
            try:
                async with asyncio.timeout(AT_LEAST_EVERY):
                    await self._taken.wait()
            except TimeoutError:
                pass  # snapshots grow old also while none is taken
            self._taken.clear()
            await self._prune()
            await asyncio.sleep(AT_MOST_EVERY)

    async def _prune(self) -> None:
        gone = False
        try:
            while await self._step():
                gone = True
                await asyncio.sleep(PAUSE)
        except StoreError as fault:
            self._account.failed(f"old snapshots could not be deleted: {fault}")
            await self._publish()
            await self._plant.store_is(fault)
        if gone:
            self._plant.list_changed()

    async def _step(self) -> int:
        """Delete some; how many went. KEEP is looked at anew each time, as it may have been put right meanwhile."""
        keep = self.keep
        if keep.count is not None:
            return await self._plant.store.prune(self._name, keep=keep.count)
        if keep.seconds is not None:
            return await self._plant.store.prune(self._name, before=time.time() - keep.seconds)
        return 0
