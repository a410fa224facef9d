"""The aioca engine: lists of PVs on aioca's channels, one coroutine per PV. Runs in the CA thread."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aioca
import numpy as np
from numpy.typing import NDArray

from snapioc.model import ChannelStates, HostState, Metadata, Outcome, Readings, ReadingsBuilder, Reason

from .aioca_feed import AiocaFeed
from .aioca_servers import AiocaServers
from .arrivals import Arrivals, Tally
from .circuits import Circuits
from .delivery import Delivery
from .libca_messages import leave_messages, log_messages
from .link import Link
from .link_state import STATE_COLUMNS, state_of
from .reader import Reader
from .waiting_put import WaitingPut, give_up, outcome_now, outcome_of
from .writer import Put, make_put

CHUNK = 500
"""PVs that are taken up before the loop gets a turn."""

PULSE, TURNS = 0.02, 5
"""Seconds between two looks at what was heard; every so many looks the servers are looked at."""

_log = logging.getLogger(__name__)


class AiocaEngine:
    """Reads and writes lists of PVs; see `Engine`."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._circuits = Circuits()
        self._puts: set[asyncio.Task[Outcome]] = set()
        self._servers = AiocaServers()
        self._feeds: list[AiocaFeed] = []
        self._tending: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make libca's context, and take over its messages."""
        aioca.get_channel_infos()
        log_messages()
        self._tending = asyncio.create_task(self._tend())

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        """Make channels in chunks, then wait until all are connected and described or `timeout` seconds are over."""
        async with _tasks() as tasks:
            for row, pv in enumerate(pvs):
                link = self._link(pv)
                if not link.hung and (not link.connected or link.metadata is None):
                    tasks.add(asyncio.create_task(_connect(link)))
                await _breathe(row)
            if tasks:
                await asyncio.wait(tasks, timeout=timeout)

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        """Those of the PVs that are not connected now."""
        return [pv for pv in pvs if pv not in self._links or not self._links[pv].connected]

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        """What libca and the links know of the channels."""
        rows = []
        for row, pv in enumerate(pvs):
            rows.append(state_of(self._link(pv)))
            await _breathe(row)
        known = [row["metadata"] for row in rows]
        return ChannelStates(
            **{name: np.array([row[name] for row in rows], dtype) for name, dtype in STATE_COLUMNS.items()},
            metadata=np.array([-1 if one is None else place for place, one in enumerate(known)], np.int32),
            metadatas=[one or Metadata() for one in known],
        )

    async def refresh(self, pvs: Sequence[str], timeout: float) -> ChannelStates:
        """Ask for all metadata anew."""
        arrivals = Arrivals(len(pvs), Tally())
        async with _tasks() as tasks:
            for row, pv in enumerate(pvs):
                task = asyncio.create_task(_learn_anew(self._link(pv)))
                task.add_done_callback(arrivals.done)
                tasks.add(task)
                await _breathe(row)
            await arrivals.wait(timeout)
        return await self.states(pvs)

    async def read(self, pvs: Sequence[str], timeout: float, tally: Tally) -> Readings:
        """Ask all that can be asked at once, then wait for the answers."""
        builder, arrivals = ReadingsBuilder(len(pvs), Reason.NO_ANSWER), Arrivals(len(pvs), tally)
        reader, started = Reader(builder, arrivals, self._link), time.time()
        async with _tasks() as tasks:
            for row, pv in enumerate(pvs):
                task = asyncio.create_task(_understood(reader, row, self._link(pv)))
                task.add_done_callback(arrivals.done)
                tasks.add(task)
                await _breathe(row)
            await arrivals.wait(timeout)
            for pv in pvs:
                if arrivals.silent and (circuit := self._link(pv).circuit):
                    circuit.breaker.gave_up()
        return builder.build(started, max(started, arrivals.last))

    async def write(self, pvs: Sequence[str], values: Readings, timeout: float, tally: Tally) -> NDArray[np.uint8]:
        """Send all that can be sent, then wait for the answers; what could not be sent in time is not sent later."""
        arrivals = Arrivals(len(pvs), tally)
        puts: list[tuple[Put, asyncio.Task[Outcome]]] = []
        try:
            for row, pv in enumerate(pvs):
                puts.append(self._put(make_put(pv, values, row, self._link, arrivals), arrivals))
                await _breathe(row)
            await arrivals.wait(timeout)
        finally:
            for put, task in puts:
                give_up(put, task)
        return np.array([outcome_now(put, task) for put, task in puts], np.uint8)

    async def put_and_wait(
        self, pvs: Sequence[str], values: Readings, timeouts: NDArray[np.float64], tally: Tally, outcomes: NDArray[np.uint8]
    ) -> None:
        """Send all that can be sent, then wait for the answers, each for its own time."""
        arrivals = Arrivals(len(pvs), Tally())

        async def follow(row: int, put: Put, task: asyncio.Task[Outcome]) -> None:
            outcomes[row] = await outcome_of(put, task, float(timeouts[row]))
            tally.done += 1

        async with _tasks() as tasks:
            for row, pv in enumerate(pvs):
                put, task = self._put(make_put(pv, values, row, self._link, arrivals, WaitingPut), arrivals)
                tasks.add(asyncio.create_task(follow(row, put, task)))
                await _breathe(row)
            await asyncio.gather(*tasks)

    async def subscribe(self, pvs: Sequence[str], delivery: Delivery) -> None:
        """Hear of every change, until the delivery is closed."""
        self._feeds.append(AiocaFeed([self._link(pv) for pv in pvs], delivery))

    @property
    def changes(self) -> int:
        """How often a channel was seen to have connected or gone."""
        return self._servers.changes

    async def hosts(self, pvs: Sequence[str]) -> tuple[HostState, ...]:
        """The servers that have or had one of the PVs."""
        return self._servers.hosts([self._link(pv) for pv in dict.fromkeys(pvs)])

    async def close(self) -> None:
        """Close all channels."""
        if self._tending:
            self._tending.cancel()
        for feed in self._feeds:
            feed.end()
        for task in self._puts:
            task.cancel()
        self._links.clear()
        aioca.purge_channel_caches()
        leave_messages()

    async def _tend(self) -> None:
        """Hand on what was heard, and see which servers still answer."""
        for turn in itertools.count():
            if turn % TURNS == 0:
                self._servers.look(self._links.values())
            self._feeds = [feed for feed in self._feeds if feed.turn()]
            await asyncio.sleep(PULSE)

    def _put(self, put: Put, arrivals: Arrivals) -> tuple[Put, asyncio.Task[Outcome]]:
        task = asyncio.create_task(put.run())
        task.add_done_callback(arrivals.done)
        self._puts.add(task)
        task.add_done_callback(self._puts.discard)
        return put, task

    def _link(self, pv: str) -> Link:
        if pv not in self._links:
            self._links[pv] = Link(pv, self._circuits)
        return self._links[pv]


async def _breathe(row: int) -> None:
    """Let the loop have a turn now and then."""
    if row % CHUNK == CHUNK - 1:
        await asyncio.sleep(0)


async def _connect(link: Link) -> None:
    await link.wait_connected()
    await _learn(link)


async def _learn_anew(link: Link) -> None:
    if not link.late:
        link.forget()
        await _learn(link)


async def _learn(link: Link) -> None:
    try:
        await link.learn()
    except Exception:
        # A server's reply that cannot be understood is the trouble of those who read the PV, not of those who connect.
        _log.exception("the metadata of %s could not be understood", link.name)


@asynccontextmanager
async def _tasks() -> AsyncIterator[set[asyncio.Task[None]]]:
    """Tasks of which those that are left at the end, for whatever reason it comes, are cancelled and seen off."""
    tasks: set[asyncio.Task[None]] = set()
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _understood(reader: Reader, row: int, link: Link) -> None:
    """Read a PV; a reply that cannot be understood is one more reason for a missing value."""
    try:
        await reader.read(row, link)
    except Exception:
        # Whatever a server sends: one PV must not spoil the reading of the others.
        _log.exception("the reply of %s could not be understood", link.name)
        reader.builder.missing(row, Reason.UNREADABLE)
