"""The machine, for commands that ask it themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snapioc.channels import CaChannels


@asynccontextmanager
async def connected(pvs: Sequence[str], timeout: float) -> AsyncIterator[CaChannels]:
    """The channels of these PVs, connected as far as that went within `timeout` seconds."""
    # Imported here because it loads libca, which the commands that read the store can do without.
    from snapioc.channels import CaChannels

    channels = CaChannels()
    channels.start()
    try:
        await channels.connect(pvs, timeout)
        yield channels
    finally:
        await channels.close()
