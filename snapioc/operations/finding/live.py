"""Live: what the PVs of one page hold now, read again once per second while somebody looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray

from snapioc.model import SnapError, Snapshot

from ..plant import Plant
from ..strangers import strangers
from .refresher import IsLatest, Refresher
from .value_rows import LiveValue, live_values

PERIOD = 1.0
"""Seconds between two reads of a page."""

READ_TIMEOUT = 0.5
"""Seconds in which a PV answers, or is shown as missing until the next read."""

PATIENCE = 1.0
"""Seconds that a put waits for what the machine holds: it may hang, and what was stored is shown already."""

UNKNOWN = LiveValue("[the CA client is held up by an IOC that hangs]", True)


class Live:
    """`values` belong to the rows last given; empty until they were read. There is never more than one read on its way."""

    def __init__(self, plant: Plant, shown: Callable[[], Awaitable[None]]) -> None:
        self._plant, self._shown = plant, shown
        self._snapshot: Snapshot | None = None
        self._rows: NDArray[np.intp] = np.zeros(0, np.intp)
        self._refresher = Refresher(self._read, PERIOD)
        self.values: tuple[LiveValue, ...] = ()

    def look_at(self, snapshot: Snapshot | None, rows: NDArray[np.intp]) -> None:
        """Have nothing to show for other rows than before, and read these from now on."""
        self._snapshot, self._rows, self.values = snapshot, rows, ()

    async def read(self) -> None:
        """Return when they were read, or the machine takes too long."""
        if len(self._rows):
            await self._refresher.now(PATIENCE)

    async def close(self) -> None:
        """Read no more."""
        await self._refresher.close()

    async def _read(self, is_latest: IsLatest) -> None:
        snapshot, rows = self._snapshot, self._rows
        if snapshot is None or not len(rows):
            return
        pvs = [snapshot.pv_set.pvs[row] for row in rows.tolist()]
        try:
            values = await self._values(snapshot, rows, pvs)
        except SnapError:
            values = (UNKNOWN,) * len(pvs)
        if snapshot is self._snapshot and rows is self._rows:
            self.values = values
            await self._shown()
        self._refresher.soon()

    async def _values(self, snapshot: Snapshot, rows: NDArray[np.intp], pvs: list[str]) -> tuple[LiveValue, ...]:
        unknown = strangers(self._plant, pvs)
        if unknown:
            # Once they are known this costs nothing; who does not answer now is shown as soon as it does.
            await self._plant.channels.connect(unknown, 0.0)
        return live_values(snapshot, rows, await self._plant.channels.read(pvs, READ_TIMEOUT))
