"""WatchSettings: what clients set of the watch over one set, and a restart keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from snapioc.model import AFTER_RESTORE, BEFORE_RESTORE, GOLDEN_ID, Refused, StoreError, UnknownSnapshot

from ..plant import Plant

SHORTEST = 0.1
"""Seconds of the shortest period."""

MAXIMUM = 10
"""PVs that may differ before it is a major alarm, unless a client says otherwise."""

_PERIOD, _MAXIMUM = "DRIFT_PERIOD", "DRIFT_MAX"


class WatchSettings:
    """The settings of one set. The setters raise Refused, and call `changed` when the new value counts."""

    def __init__(self, plant: Plant, set_name: str, changed: Callable[[], Awaitable[None]]) -> None:
        self._plant, self._set_name, self._changed = plant, set_name, changed
        self._one_golden = asyncio.Lock()

    @property
    def golden_id(self) -> int:
        """The set's golden snapshot; 0: none."""
        return int(self._number(GOLDEN_ID, 0))

    @property
    def period(self) -> float:
        """Seconds between two checks; 0: none are made."""
        return self._number(_PERIOD, 0)

    @property
    def maximum(self) -> int:
        """How many PVs may differ before it is a major alarm."""
        return int(self._number(_MAXIMUM, MAXIMUM))

    async def set_golden(self, snapshot_id: int) -> None:
        """Make a snapshot the golden one; 0: none. It counts once it is on disk: only from then on is it not deleted.

        Of two calls the second one counts, however long each takes.
        """
        async with self._one_golden:
            if snapshot_id:
                await self._require_usable(snapshot_id)
            await self._commit_golden(snapshot_id)
            await self._changed()

    async def set_period(self, seconds: float) -> None:
        """Check so often; 0: not at all."""
        if 0 < seconds < SHORTEST:
            raise Refused(f"a period of {seconds:g} s is too short: {SHORTEST} s is the shortest, 0 turns the watch off")
        await self._put(_PERIOD, repr(seconds))

    async def set_maximum(self, count: int) -> None:
        """Let so many PVs differ before it is a major alarm."""
        if count < 0:
            raise Refused(f"{count} is no number of PVs")
        await self._put(_MAXIMUM, str(count))

    async def _require_usable(self, snapshot_id: int) -> None:
        try:
            header = await self._plant.store.header(snapshot_id)
        except UnknownSnapshot as unknown:
            raise Refused(str(unknown)) from unknown
        except StoreError as fault:
            raise Refused(f"whether there is a snapshot {snapshot_id} is not known: {fault}") from fault
        if header.set_name != self._set_name:
            raise Refused(f"snapshot {snapshot_id} is of the set {header.set_name}, not of {self._set_name}")
        if header.kind in (BEFORE_RESTORE, AFTER_RESTORE):
            raise Refused(f"snapshot {snapshot_id} was made for UNDO and holds only what one restore wrote")

    async def _commit_golden(self, snapshot_id: int) -> None:
        try:
            await self._plant.settings.commit(self._set_name, GOLDEN_ID, str(snapshot_id))
        except UnknownSnapshot as unknown:
            raise Refused(str(unknown)) from unknown
        except StoreError as fault:
            await self._plant.store_is(fault)
            raise Refused(f"{GOLDEN_ID} stays {self.golden_id}, for {snapshot_id} cannot be kept: {fault}") from fault

    def _number(self, name: str, default: float) -> float:
        return self._plant.settings.number(self._set_name, name, default)

    async def _put(self, name: str, value: str) -> None:
        self._plant.settings.change(self._set_name, name, value)
        await self._changed()
        await self._plant.settings.kept()
