"""Records: those of restores, until the store knows what became of each. A store that fails just then is told later."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from snapioc.model import NewRestore, NewSnapshot, PvSet, RestoreEnd, RestoreRecord, StoreError

from .protocols import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """How a restore ended, and what it left; see `Store.end_restore`."""

    restore_id: int
    end: RestoreEnd
    left: NewSnapshot | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _InVain:
    """A restore that wrote nothing because the store said no; it may have committed the record all the same."""

    new: NewRestore
    since: float

    def began(self, record: RestoreRecord) -> bool:
        """Whether this is its record."""
        mine = (self.new.snapshot_id, self.new.set_name) == (record.new.snapshot_id, record.new.set_name)
        return mine and record.begun_at >= self.since


class Records:
    """Begins and ends records, and keeps what the store does not know yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: set[int] = set()
        self._untold: list[Ending] = []
        self._in_vain: list[_InVain] = []

    async def begin(self, new: NewRestore, pv_set: PvSet, before: NewSnapshot | None = None) -> RestoreRecord:
        """Begin a record, see `Store.begin_restore`. Raises StoreError; then nothing may be written."""
        since = time.time()
        try:
            record = await self._store.begin_restore(new, pv_set, before)
        except StoreError:
            self._in_vain.append(_InVain(new, since))
            raise
        self._open.add(record.id)
        return record

    async def end(self, ending: Ending) -> None:
        """Tell the store, or keep it for later. Raises StoreError if it is kept."""
        try:
            await self._store.end_restore(ending.restore_id, ending.end, ending.left)
        except StoreError:
            self._untold.append(ending)
            raise
        self._open.discard(ending.restore_id)

    async def catch_up(self) -> AsyncIterator[str]:
        """Tell the store what it does not know, the oldest first; the set of each. Raises StoreError if it still fails."""
        while self._untold:
            ending = self._untold[0]
            try:
                record = await self._store.end_restore(ending.restore_id, ending.end, ending.left)
            except StoreError as fault:
                await self._store.probe()
                if (known := await self._ended(ending.restore_id)) is None:
                    # The store works, but will never take this; the next start finds out from the machine.
                    _log.error("the record of restore %d stays open: %s", ending.restore_id, fault)
                else:
                    yield known.new.set_name
            else:
                yield record.new.set_name
            self._untold.pop(0)
            self._open.discard(ending.restore_id)
        await self._close_those_in_vain()

    async def _ended(self, restore_id: int) -> RestoreRecord | None:
        """The record if it was ended all the same, when the store said no."""
        try:
            record = await self._store.restore_record(restore_id)
        except StoreError:
            return None
        return record if record.ended_at is not None else None

    async def _close_those_in_vain(self) -> None:
        if not (attempts := list(self._in_vain)):
            return
        for record in await self._store.unfinished_restores():
            if record.id not in self._open and any(attempt.began(record) for attempt in attempts):
                end = RestoreEnd("failed", "nothing was written: the store failed as the values before it were kept", 0)
                await self._store.end_restore(record.id, end)
        self._in_vain = self._in_vain[len(attempts) :]
