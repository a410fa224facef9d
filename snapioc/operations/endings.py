"""Endings: how restores ended, until the store knows it. A store that fails just then is told when it works again."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from snapioc.model import NewSnapshot, RestoreEnd, StoreError

from .protocols import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """How a restore ended, and what it left; see `Store.end_restore`."""

    restore_id: int
    end: RestoreEnd
    left: NewSnapshot | None = None


class Endings:
    """What the store does not know yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._untold: list[Ending] = []

    async def tell(self, ending: Ending) -> None:
        """Tell the store, or keep it for later. Raises StoreError if it is kept."""
        try:
            await self._store.end_restore(ending.restore_id, ending.end, ending.left)
        except StoreError:
            self._untold.append(ending)
            raise

    async def tell_again(self) -> AsyncIterator[str]:
        """Tell the store what it was not told, the oldest first; the set of each. Raises StoreError if it still fails."""
        while self._untold:
            ending = self._untold[0]
            try:
                record = await self._store.end_restore(ending.restore_id, ending.end, ending.left)
            except StoreError as fault:
                await self._store.probe()
                # The store works, but will never take this; the next start finds out from the machine.
                _log.error("the record of restore %d stays open: %s", ending.restore_id, fault)
                self._untold.pop(0)
            else:
                self._untold.pop(0)
                yield record.new.set_name
