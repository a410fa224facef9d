"""The two doors of this room: what a save or restore needs of the CA client and of the store, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from snapioc.model import ChannelStates, NewSnapshot, Readings, Snapshot, SnapshotHeader

Progress = Callable[[int], None]
"""Called on the main event loop, now and then, with how many PVs are done so far."""


class Channels(Protocol):
    """The CA client. Awaited on the main event loop; the work is done in the CA thread.

    None of these raises for what a PV or server does: that is data. They raise SnapError if the CA thread itself does not
    answer within its deadline.
    """

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        """Make channels for all PVs, and wait until all are connected or `timeout` seconds are over."""

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        """What is known of the channels now, without asking the machine."""

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        """Those of the PVs that are not connected now, in their order."""

    async def read(self, pvs: Sequence[str], timeout: float, progress: Progress | None = None) -> Readings:
        """Read all PVs at once: ends when all is there, or nothing more has arrived for `timeout` seconds."""

    async def write(
        self, pvs: Sequence[str], values: Readings, timeout: float, progress: Progress | None = None
    ) -> NDArray[np.uint8]:
        """Write all PVs at once; an Outcome per PV. `values` are of the channels' own types (see `model.check`)."""


class Store(Protocol):
    """Where snapshots are kept. Each method raises StoreError with a sentence for a person when the store fails."""

    async def save(self, snapshot: NewSnapshot) -> SnapshotHeader:
        """Commit a snapshot durably; it is there, whole, when this returns."""

    async def load(self, snapshot_id: int) -> Snapshot:
        """The snapshot with its values. Raises StoreError if there is none with this id."""

    async def newest(self, *, group: str | None = None) -> SnapshotHeader | None:
        """The newest snapshot of any set and kind; with `group` the newest that this group's own TRIGGER made."""

    async def probe(self) -> None:
        """Return if the store can be written now; raises StoreError saying why not."""
