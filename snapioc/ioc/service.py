"""The service PVs: that the IOC lives, and how its store and its event loop do."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from snapioc.operations import Plant

from .consoles import MainPvs
from .every import every

LAG_STEP = 0.05
"""Seconds between two looks at the event loop's delay."""

LAG_WINDOW = 10.0
"""Seconds over which LOOP_LAG is the worst delay."""


class ServiceView:
    """Shows what all groups share on the console's PVs."""

    def __init__(self, plant: Plant, pvs: MainPvs, version: str) -> None:
        self._plant, self._pvs, self._version = plant, pvs, version
        self._begun = time.monotonic()
        self._lags: deque[tuple[float, float]] = deque()

    async def start(self) -> None:
        """Show everything as it is when the server starts."""
        await self._pvs.sets.post(tuple(self._plant.sets))
        await self._pvs.version.post(self._version)
        await self.changed()

    async def changed(self) -> None:
        """Show what is new in the plant."""
        plant, pvs = self._plant, self._pvs
        await pvs.restore_enable.post(int(plant.restore_enabled))
        await pvs.restoring.post("; ".join(plant.locks.restoring))
        await pvs.newest_id.post(plant.newest.id if plant.newest else 0)
        await pvs.store_ok.post(int(plant.store_fault is None))

    async def run(self) -> None:
        """Keep the service PVs true for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(every(1.0, self._beat))
            tasks.create_task(self._watch_loop())

    async def _beat(self) -> None:
        await self._pvs.heartbeat.post((self._pvs.heartbeat.value + 1) % 2**31)
        await self._pvs.uptime.post(_duration(time.monotonic() - self._begun))
        await self._pvs.loop_lag.post(round(max((lag for _, lag in self._lags), default=0.0) * 1e3, 1))

    async def _watch_loop(self) -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(LAG_STEP)
            now = time.monotonic()
            self._lags.append((now, max(0.0, now - begun - LAG_STEP)))
            while self._lags[0][0] < now - LAG_WINDOW:
                self._lags.popleft()


def _duration(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} days, {hour:02}:{minute:02}:{second:02}"
