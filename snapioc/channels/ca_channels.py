"""CaChannels: the CA client as operations see it. Whole sets cross over to the CA thread, whole Readings come back."""

from __future__ import annotations

import asyncio
import atexit
import logging
from collections.abc import Callable, Sequence

import numpy as np
from aioca import _catools
from numpy.typing import NDArray

from snapioc.model import ChannelStates, Events, HostState, Outcome, Readings, SnapError

from .arrivals import Tally
from .bulk import BulkEngine
from .ca_thread import CaThread
from .delivery import Delivery, EventSubscription
from .engine import Engine

MARGIN = 10.0
"""Seconds without a sign of life, beyond the deadline of what was asked, after which the CA thread counts as blocked.

40,000 channels that come or go at once keep aioca busy for two or three.
"""

Progress = Callable[[int], None]

_log = logging.getLogger(__name__)


class CaChannels:
    """The machine's channels. One at a time per process, because libca and aioca keep one context per process.

    All but `start` are awaited on the main event loop and raise SnapError if the CA thread is blocked; none raises for what
    a PV or server does.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self._thread = CaThread()
        self._engine = engine or BulkEngine()

    def start(self) -> None:
        """Start the CA thread."""
        self._thread.start(self._engine.open())

    async def close(self, within: float = 1.0) -> bool:
        """Close all channels and end the CA thread; False if libca did not let that happen within so many seconds.

        Then the thread is left behind: it does not hold up the exit, but its circuits are not closed properly.
        """
        # aioca would destroy libca's context at exit, which waits 30 s for each hung circuit. Without channels there are no
        # circuits, so nothing is lost.
        atexit.unregister(_catools._Context._teardown)  # noqa: SLF001
        try:
            await self._thread.run(self._engine.close(), within)
        except SnapError as blocked:
            _log.warning("leaving the CA client behind: %s", blocked)
        return await self._thread.close(within)

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        """Make channels for all PVs, and wait until all are connected or `timeout` seconds are over."""
        await self._thread.run(self._engine.connect(pvs, timeout), timeout + MARGIN)

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        """Those of the PVs that are not connected now, in the order given; cheap enough to ask every second."""
        return await self._thread.run(self._engine.disconnected(pvs), MARGIN)

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        """What is known of the channels now, without asking the machine."""
        return await self._thread.run(self._engine.states(pvs), MARGIN)

    async def refresh(self, pvs: Sequence[str], timeout: float) -> ChannelStates:
        """Ask for the metadata of all that are connected anew, until nothing more arrives for `timeout` seconds.

        Returns what is known of the channels then. What did not answer keeps, in the bulk engine, what was known of it.
        """
        return await self._thread.run(self._engine.refresh(pvs, timeout), timeout + MARGIN)

    async def read(self, pvs: Sequence[str], timeout: float, progress: Progress | None = None) -> Readings:
        """Read all PVs at once: ends when all is there, or nothing more has arrived for `timeout` seconds.

        A PV that is not connected is missing at once, also one that was never asked for before: `connect` first.
        """
        tally = Tally()
        work = self._engine.read(pvs, timeout, tally)
        return await self._thread.run(work, timeout + MARGIN, _reporter(tally, progress))

    async def write(
        self, pvs: Sequence[str], values: Readings, timeout: float, progress: Progress | None = None
    ) -> NDArray[np.uint8]:
        """Write all PVs at once; an Outcome per PV. `values` are of the channels' own types (see `model.check`).

        Ends when every put-callback has come, or `timeout` seconds after the last put was sent.
        """
        tally = Tally()
        work = self._engine.write(pvs, values, timeout, tally)
        return await self._thread.run(work, timeout + MARGIN, _reporter(tally, progress))

    async def put_and_wait(
        self,
        pvs: Sequence[str],
        values: Readings,
        timeouts: NDArray[np.float64],
        progress: Progress | None = None,
        outcomes: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """Write all PVs with put-callback, and wait until their records are done; an Outcome per PV.

        Each PV has its own `timeouts`, in seconds from the call: it is DONE when its put-callback came, PENDING if that did
        not come in time, and UNSENDABLE if it could not even be sent. Ends when all have their outcome; reads and writes go
        on meanwhile. A record that is still busy with an earlier one of these is told the new value at once, and once more
        when it is free, because only that can be waited for.

        `outcomes`, if given, is filled as they come (NOT_SENT: none so far, sent or not), and returned. Cancelled, it waits
        no more: what was sent stays sent, what was not is not sent later.
        """
        if outcomes is None:
            outcomes = np.zeros(len(pvs), np.uint8)
        outcomes[:] = Outcome.NOT_SENT
        tally = Tally()
        work = self._engine.put_and_wait(pvs, values, timeouts, tally, outcomes)
        # However long it takes, a thread that lives shows that ten times a second.
        await self._thread.run(work, MARGIN, _reporter(tally, progress))
        return outcomes

    async def subscribe(self, pvs: Sequence[str], heard: Callable[[Events], None]) -> EventSubscription:
        """Hear of every change of value or alarm, first of what each PV holds now or as it connects; ends with `close`.

        `heard` is called on the main event loop, some 50 times a second at most, with what has come. A PV that goes has a
        row with Reason.DISCONNECTED, and when it is back one with what it holds then, in the type that it has then. A text
        that is longer than a DBR_STRING has Flag.CUT.

        While the main loop does not take them, 64 MiB of events are kept for it. What comes after that is left out, and
        that is said: as soon as there is room again each PV concerned has a row with Reason.EVENTS_LOST, and then one with
        what it holds.
        """
        delivery = Delivery(asyncio.get_running_loop(), heard)
        try:
            await self._thread.run(self._engine.subscribe(pvs, delivery), MARGIN)
        except BaseException:
            delivery.closed = True
            raise
        return EventSubscription(delivery)

    async def connection_changes(self) -> int:
        """A number that grows whenever a channel connects, goes or has other rights, or a server hangs or no longer does.

        Asks nobody: at most some 0.1 s old.
        """
        self._thread.check(MARGIN)
        return self._engine.changes

    async def hosts(self, pvs: Sequence[str]) -> tuple[HostState, ...]:
        """The servers that have or had one of these PVs, by name, as libca tells it (with its port)."""
        return await self._thread.run(self._engine.hosts(pvs), MARGIN)


def _reporter(tally: Tally, progress: Progress | None) -> Callable[[], None]:
    """What reports progress whenever there is some."""
    reported = 0

    def report() -> None:
        nonlocal reported
        if progress is not None and tally.done != reported:
            reported = tally.done
            progress(reported)

    return report
