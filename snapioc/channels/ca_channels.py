"""CaChannels: the CA client as operations see it. Whole sets cross over to the CA thread, whole Readings come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from snapioc.model import ChannelStates, Readings, SnapError

from .aioca_engine import AiocaEngine
from .ca_thread import CaThread

MARGIN = 10.0
"""Seconds beyond its own deadline after which the CA thread is given up: connecting 40,000 PVs holds it up for some."""

Progress = Callable[[int], None]


class CaChannels:
    """The machine's channels. One per process, because libca and aioca keep one context per process."""

    def __init__(self) -> None:
        self._thread = CaThread()
        self._engine = AiocaEngine()

    def start(self) -> None:
        """Start the CA thread."""
        self._thread.start()

    async def close(self, within: float = 1.0) -> None:
        """Close all channels and end the CA thread, as far as libca lets that happen within so many seconds."""
        # If libca is blocked by a hung IOC, the process ends without saying goodbye to it.
        with suppress(SnapError):
            await self._thread.run(self._engine.close(), within)
        await self._thread.close(within)

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        """Make channels for all PVs, and wait until all are connected or `timeout` seconds are over."""
        await self._thread.run(self._engine.connect(pvs, timeout), timeout + MARGIN)

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        """What is known of the channels now, without asking the machine."""
        return await self._thread.run(self._engine.states(pvs), MARGIN)

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        """Those of the PVs that are not connected now."""
        return await self._thread.run(self._engine.disconnected(pvs), MARGIN)

    async def read(self, pvs: Sequence[str], timeout: float, progress: Progress | None = None) -> Readings:
        """Read all PVs at once: ends when all is there, or nothing more has arrived for `timeout` seconds."""
        arrived = _on_this_loop(progress)
        return await self._thread.run(self._engine.read(pvs, timeout, arrived), _limit(len(pvs), timeout))

    async def write(
        self, pvs: Sequence[str], values: Readings, timeout: float, progress: Progress | None = None
    ) -> NDArray[np.uint8]:
        """Write all PVs at once; an Outcome per PV. `values` are of the channels' own types (see `model.check`)."""
        done = _on_this_loop(progress)
        return await self._thread.run(self._engine.write(pvs, values, timeout, done), _limit(len(pvs), timeout))


def _limit(count: int, timeout: float) -> float:
    """When the CA thread is given up: aioca needs some 0.3 ms per PV, and an IOC may answer slowly but steadily."""
    return 3 * timeout + count * 1e-3 + MARGIN


def _on_this_loop(progress: Progress | None) -> Progress:
    if progress is None:
        return lambda count: None
    loop = asyncio.get_running_loop()
    return lambda count: _soon(loop, progress, count)


def _soon(loop: asyncio.AbstractEventLoop, progress: Progress, count: int) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(progress, count)
