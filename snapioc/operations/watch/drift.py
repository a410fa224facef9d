"""DriftWatch: compares a set with its golden snapshot, as often as its settings say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from snapioc.model import Readings, SnapError, SnapshotHeader, StoreError

from ..enduring import enduring
from ..plant import Plant
from .golden import Drift, Golden
from .grid import next_due
from .reference import Reference
from .settings import WatchSettings

RETRY = 5.0
"""Seconds between two attempts to load a golden snapshot."""

STARTING = Drift(None, "The drift is not known yet")
NO_GOLDEN = Drift(None, "The drift is not watched: there is no golden snapshot (GOLDEN_ID)")
OFF = Drift(None, "The drift is not watched: there is no DRIFT_PERIOD")


class DriftWatch:
    """What is known of a set's golden snapshot, and of the machine's distance from it. `changed` is called on news.

    `compared_at` is when the machine was last compared, as Unix time; 0: not since the start.
    """

    def __init__(self, plant: Plant, set_name: str, changed: Callable[[DriftWatch], Awaitable[None]]) -> None:
        self.settings = WatchSettings(plant, set_name, self._set)
        self.drift = STARTING
        self.compared_at = 0.0
        self._plant, self._set_name, self._changed = plant, set_name, changed
        self._reference = Reference(plant)
        self._news = asyncio.Event()
        plant.settings.watchers.append(self._news.set)

    @property
    def golden(self) -> SnapshotHeader | None:
        """What is known of the golden snapshot; None: there is none, or it could not be loaded."""
        header = self._reference.header
        return header if header and header.id == self.settings.golden_id else None

    async def run(self) -> None:
        """Watch for ever."""
        async with asyncio.TaskGroup() as tasks:
            what = f"the golden snapshot of {self._set_name}"
            tasks.create_task(enduring(f"the distance from {what}", self._watch, self._defect))
            tasks.create_task(enduring(what, lambda: self._reference.follow(self._tell)))

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            self._news.clear()
            due = clock()
            while not self._news.is_set():
                pause = await self._look()
                due = next_due(due, pause, clock()) if pause else due
                await self._wait_until(due if pause else None)

    async def _wait_until(self, due: float | None) -> None:
        """Wait until then, or until the settings are others."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._news.wait()

    async def _look(self) -> float:
        """Find out and show how far the machine is; seconds until the next look, 0: none is needed."""
        golden_id = self.settings.golden_id
        drift, pause = await self._find_out(golden_id, self.settings.period) if golden_id else (self._without_golden(), 0.0)
        if golden_id == self.settings.golden_id:
            self.drift = drift
            await self._tell()
        return pause

    def _without_golden(self) -> Drift:
        self._reference.forget()
        return NO_GOLDEN if self._plant.settings.loaded else STARTING

    async def _find_out(self, golden_id: int, period: float) -> tuple[Drift, float]:
        try:
            golden = await self._reference.golden(golden_id)
        except StoreError as fault:
            return Drift(None, f"The drift is not known: the golden snapshot {golden_id} cannot be loaded: {fault}"), RETRY
        except SnapError as fault:
            return _unknown(str(fault)), RETRY
        return (await self._check(golden), period) if period else (OFF, 0.0)

    async def _check(self, golden: Golden) -> Drift:
        """Compare now. A restore that writes one of the PVs meanwhile would make the answer half of each."""
        with self._plant.locks.watching(golden.canonical) as seen:
            try:
                live = None if seen.writer else await self._read(golden)
            except SnapError as fault:
                return _unknown(str(fault))
        if live is None or seen.writer:
            return _unknown(f"{seen.writer} writes PVs of the set")
        self.compared_at = time.time()
        return await asyncio.to_thread(golden.drift, live)

    async def _read(self, golden: Golden) -> Readings:
        return await self._plant.channels.read(golden.pvs, self._plant.set_of(self._set_name).read_timeout)

    async def _set(self) -> None:
        """The settings are others: what was found counts no more if it was of another golden snapshot."""
        if self.golden is None:
            self.drift = STARTING
        self._news.set()
        await self._tell()

    async def _defect(self, why: str) -> None:
        self.drift = _unknown(why)
        await self._tell()

    async def _tell(self) -> None:
        await self._changed(self)


def _unknown(why: str) -> Drift:
    return Drift(None, f"The drift is not known now: {why}")
