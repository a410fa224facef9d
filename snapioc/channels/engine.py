"""The door between the CA thread and what runs in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from snapioc.model import ChannelStates, HostState, Readings

from .arrivals import Tally
from .delivery import Delivery


class Engine(Protocol):
    """Reads and writes lists of PVs. Every method is awaited on the CA thread's event loop, and means what the method of
    the same name means in CaChannels. None raises for what a PV or server does.
    """

    async def open(self) -> None:
        """Make libca's context in the calling thread."""

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        """Make channels, and wait until all are connected and described or `timeout` seconds are over."""

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        """Those of the PVs that are not connected now."""

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        """What is known of the channels now."""

    async def refresh(self, pvs: Sequence[str], timeout: float) -> ChannelStates:
        """Ask for all metadata anew, and tell what is known of the channels then."""

    async def read(self, pvs: Sequence[str], timeout: float, tally: Tally) -> Readings:
        """Read all PVs at once."""

    async def write(self, pvs: Sequence[str], values: Readings, timeout: float, tally: Tally) -> NDArray[np.uint8]:
        """Write all PVs at once; an Outcome per PV."""

    async def put_and_wait(
        self, pvs: Sequence[str], values: Readings, timeouts: NDArray[np.float64], tally: Tally, outcomes: NDArray[np.uint8]
    ) -> None:
        """Write all PVs, and wait until their records are done, each for its own time; `outcomes` is filled."""

    async def subscribe(self, pvs: Sequence[str], delivery: Delivery) -> None:
        """Post every change of these PVs to `delivery` until it is closed."""

    @property
    def changes(self) -> int:
        """Grows whenever a channel connects, goes, or has other rights; read in any thread."""

    async def hosts(self, pvs: Sequence[str]) -> tuple[HostState, ...]:
        """The servers that have or had one of the PVs, by name."""

    async def close(self) -> None:
        """Close all channels."""
