"""The bulk engine: whole lists of PVs with one call of libca per PV. Runs in the CA thread."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence

import aioca
import numpy as np
from numpy.typing import NDArray

from snapioc.model import ChannelStates, HostState, Readings

from ..arrivals import Tally
from ..delivery import Delivery
from ..libca_messages import leave_messages, log_messages
from .chunks import Listing
from .core import CHUNK, Core
from .descriptions import KNOWN
from .libca import lib
from .prompt import prompt_callbacks
from .reader import Reader
from .refresh import refresh
from .silence import Silence
from .subscriptions import PULSE as FOLLOW
from .subscriptions import Subscriptions
from .value_intake import ValueIntake
from .waits import Waits
from .writer import Writer

PULSE = 0.1
"""Seconds between two looks at what libca has said, while nothing is read or written."""

LISTS = 64
"""Lists of PVs that are remembered."""

_log = logging.getLogger(__name__)

_ALIVE: list[Core] = []
"""libca keeps the address of a callback even when its channel is closed, so they live as long as the process."""


class BulkEngine:
    """Reads and writes lists of PVs; see `Engine`."""

    def __init__(self) -> None:
        self._core = Core()
        self._waits = Waits(self._core)
        self._lists: OrderedDict[tuple[str, ...], Listing] = OrderedDict()
        self._subscriptions = Subscriptions(self._core)
        self._tending: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make libca's context as aioca does, so that both share it, and take over its messages."""
        aioca.get_channel_infos()
        log_messages()
        _ALIVE.append(self._core)
        self._core.refusals.install()
        self._tending = asyncio.create_task(self._tend())

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        """Make channels in chunks, then wait until all are connected and described or `timeout` seconds are over."""
        until = time.monotonic() + timeout
        channels = (await self._listing(pvs)).channels
        silence = Silence(timeout)
        while True:
            self._core.pump()
            self._core.describe(channels)
            left = channels[~self._settled(channels)]
            if len(left) == 0 or time.monotonic() >= until:
                return
            silence.look(heard=len(left) < len(channels))
            channels = left
            await asyncio.sleep(silence.pause)

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        """Those of the PVs that are not connected now."""
        self._core.pump()
        channels = (await self._listing(pvs)).numbers
        return [pvs[row] for row in np.flatnonzero(~self._core.table.connected[channels]).tolist()]

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        """What is known of the channels now."""
        self._core.pump()
        table, channels = self._core.table, (await self._listing(pvs)).numbers
        return ChannelStates(
            ever_connected=table.ever_connected[channels],
            connected=table.connected[channels],
            readable=table.readable[channels],
            writable=table.writable[channels],
            dbr_type=table.dbr_type[channels],
            element_count=table.element_count[channels].astype(np.int32),
            metadata=np.where(table.described[channels] == KNOWN, table.metadata[channels], -1),
            metadatas=tuple(self._core.descriptions.metadatas),
        )

    async def refresh(self, pvs: Sequence[str], timeout: float) -> ChannelStates:
        """Ask for all metadata anew."""
        listing = await self._listing(pvs)
        self._core.pump()
        await refresh(self._core, listing, timeout)
        return await self.states(pvs)

    async def read(self, pvs: Sequence[str], timeout: float, tally: Tally) -> Readings:
        """Ask all that can be asked at once, then wait for the answers."""
        listing = await self._listing(pvs)
        started = time.time()
        intake = ValueIntake(self._core, listing.channels, tally)
        await Reader(self._core, listing, self._core.values, intake).run(timeout)
        tally.done = len(pvs)
        metadatas = self._core.descriptions.metadatas
        return intake.collector.build(listing.places, metadatas, started, max(started, intake.last))

    async def write(self, pvs: Sequence[str], values: Readings, timeout: float, tally: Tally) -> NDArray[np.uint8]:
        """Send all that can be sent, then wait until the servers have read it."""
        return await Writer(self._core, (await self._listing(pvs)).numbers, values, tally).run(timeout)

    async def put_and_wait(
        self, pvs: Sequence[str], values: Readings, timeouts: NDArray[np.float64], tally: Tally, outcomes: NDArray[np.uint8]
    ) -> None:
        """Send all that can be sent, then wait until the records are done, each for its own time."""
        await self._waits.run((await self._listing(pvs)).numbers, values, timeouts, tally, outcomes)

    async def subscribe(self, pvs: Sequence[str], delivery: Delivery) -> None:
        """Hear of every change, until the delivery is closed."""
        self._subscriptions.open(await self._listing(pvs), delivery)
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow())

    @property
    def changes(self) -> int:
        """How often a channel has connected, gone, or got other rights."""
        return self._core.table.changes

    async def hosts(self, pvs: Sequence[str]) -> tuple[HostState, ...]:
        """The servers that have or had one of the PVs."""
        channels = (await self._listing(pvs)).channels
        self._core.pump()
        return self._core.servers.hosts(channels)

    async def close(self) -> None:
        """Close all channels."""
        for task in filter(None, (self._tending, self._following)):
            task.cancel()
        for start in range(0, len(self._core.table), CHUNK):
            self._core.table.clear(start, start + CHUNK)
            await asyncio.sleep(0)
        self._core.release()  # no channel, nothing that could still be written there
        leave_messages()
        aioca.purge_channel_caches()

    async def _listing(self, pvs: Sequence[str]) -> Listing:
        """The PVs' channels; those that are new are made."""
        names = tuple(pvs)
        known = self._lists.pop(names, None)
        if known is None:
            numbers: list[int] = []
            for at in range(0, len(names), CHUNK):
                numbers += map(self._core.table.number, names[at : at + CHUNK])
                lib.ca_flush_io()
                await asyncio.sleep(0)
            known = Listing(np.array(numbers, np.intp))
        self._lists[names] = known
        if len(self._lists) > LISTS:
            self._lists.popitem(last=False)
        return known

    def _settled(self, channels: NDArray[np.intp]) -> NDArray[np.bool_]:
        table = self._core.table
        described = (table.described[channels] == KNOWN) & (table.unanswered[channels] == 0)
        settled: NDArray[np.bool_] = table.connected[channels] & (described | ~table.readable[channels])
        return settled | self._core.servers.hung(channels)

    async def _tend(self) -> None:
        """Describe what comes back by itself, so that the next read need not wait for it."""
        while True:
            try:
                self._core.pump()
                self._core.tend()
                self._core.describe_fresh()
            except Exception:
                # Whatever a server sends; the next look may fare better, and must be had.
                _log.exception("a message of libca could not be understood")
            await asyncio.sleep(PULSE)

    async def _follow(self) -> None:
        """Take what the subscriptions say, while there are any."""
        with prompt_callbacks():
            while self._subscriptions.wanted:
                pause = FOLLOW
                try:
                    pause = self._subscriptions.turn()
                except Exception:
                    # As above: those of the next turn must be had.
                    _log.exception("an event could not be understood")
                await asyncio.sleep(pause)
