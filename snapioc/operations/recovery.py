"""Recovery: after a start, what became of the restores that the last stop of the IOC interrupted.

Decided: no restore is accepted before this is known, as it would mix with one that is half done. A record is closed in one
step when all its PVs were read, so that a kill during the recovery leaves it as it was, for the next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from snapioc.model import Readings, ReadingsBuilder, Reason, RestoreRecord, SnapError, Snapshot, StoreError

from .interrupted import Interrupted, classed, nothing_written, planned, way_back_lost
from .ordering import restored_by
from .plant import Plant
from .state import GroupState

TRIES = 3
"""Looks at a restore that may fail, although the store works, before what cannot be read counts as lost; after as many more
its record is closed with nothing but a sentence."""

_log = logging.getLogger(__name__)


class Shows(Protocol):
    """A group that shows what became of a restore."""

    name: str

    async def show(self, fill: Callable[[GroupState], None]) -> None:
        """Show what `fill` writes as the last operation."""

    async def ready(self) -> None:
        """Show Idle instead of Starting."""


async def recovered(plant: Plant, groups: Sequence[Shows]) -> None:
    """Accept restores: nothing that was interrupted is unknown (any more)."""
    plant.recovered = True
    for group in groups:
        await group.ready()


class Recovery:
    """The recovery of one IOC. `go_on` is to be called until `plant.recovered`."""

    def __init__(self, plant: Plant, groups: Sequence[Shows]) -> None:
        self._plant, self._groups = plant, groups
        self._faults: Counter[int] = Counter()

    async def go_on(self) -> None:
        """Class and close the interrupted restores, the oldest first, as far as store and machine answer now."""
        plant = self._plant
        if plant.recovered or not plant.remembered or plant.store_fault:
            return
        try:
            records = await plant.store.unfinished_restores()
        except StoreError as fault:
            await plant.store_is(fault)
            return
        for record in reversed(records):
            if not await self._recover(record):
                return
        await recovered(plant, self._groups)

    async def _recover(self, record: RestoreRecord) -> bool:
        """True if nothing more is to be found out about this restore."""
        try:
            found = await self._look(record)
            await self._plant.store.end_restore(record.id, found.end, found.left)
        except SnapError as fault:
            if not await self._counts(record, fault):
                return False
            found = await self._give_up(record, fault)
        except Exception as fault:  # a defect of ours must not keep the IOC in Starting for ever, whenever it is started
            _log.exception("recovery of restore %d", record.id)
            found = await self._give_up(record, SnapError(f"a defect of snapioc, see its log: {fault!r}"))
        await self._show(found)
        return True

    async def _look(self, record: RestoreRecord) -> Interrupted:
        if record.undo_id is None:
            return nothing_written(record)
        store = self._plant.store
        before = await self._load(store.load(record.undo_id), record)
        restored = await self._load(restored_by(store, record), record)
        if isinstance(before, StoreError):
            return way_back_lost(record, before, restored)
        now = await self._read(before, record)
        # With many PVs the words take their time, and the control PVs must answer meanwhile.
        return await asyncio.to_thread(classed, record, before, restored, now)

    async def _load(self, loading: Awaitable[Snapshot], record: RestoreRecord) -> Snapshot | StoreError:
        """A snapshot, or in the end why there is none. Raises StoreError if the store may give it later."""
        try:
            return await loading
        except StoreError as fault:
            if self._patient(record):
                raise
            await self._plant.store.probe()
            return fault

    async def _read(self, before: Snapshot, record: RestoreRecord) -> Readings:
        """The planned PVs as they are now. Raises SnapError if the CA client may answer later."""
        plant, pvs = self._plant, [before.pv_set.pvs[row] for row in planned(before).tolist()]
        timeout = plant.set_of(before.header.set_name).read_timeout
        try:
            await plant.channels.connect(pvs, max(plant.connect_timeout, timeout))
            return await plant.channels.read(pvs, timeout)
        except SnapError:
            if self._patient(record):
                raise
            return ReadingsBuilder(len(pvs), Reason.NO_ANSWER).build()

    def _patient(self, record: RestoreRecord) -> bool:
        return self._faults[record.id] < TRIES

    async def _counts(self, record: RestoreRecord, fault: SnapError) -> bool:
        """Note what went wrong; True if it was the last try. A store that is gone is waited for as long as it takes."""
        _log.warning("restore %d, which was interrupted, cannot be looked at now: %s", record.id, fault)
        try:
            await self._plant.store.probe()
        except StoreError as gone:
            await self._plant.store_is(gone)
            return False
        self._faults[record.id] += 1
        return self._faults[record.id] >= 2 * TRIES

    async def _give_up(self, record: RestoreRecord, why: SnapError) -> Interrupted:
        """Close the record with nothing but a sentence; if even that fails, leave it to the next start."""
        found = way_back_lost(record, why, StoreError())
        try:
            await self._plant.store.end_restore(record.id, found.end)
        except StoreError as fault:
            return replace(found, message=f"{found.message}; its record stays open: {fault}")
        return found

    async def _show(self, found: Interrupted) -> None:
        """Show it in the group that ran it and in the set's own; the console stands in for groups that are no more."""
        new = found.record.new
        _log.warning("%s", found.message)
        await self._plant.look_at_undo(new.set_name)
        names = {new.origin.group, new.set_name}
        for group in [g for g in self._groups if g.name in names] or [g for g in self._groups if not g.name]:
            await group.show(partial(found.show, asked=group.name == new.origin.group))
