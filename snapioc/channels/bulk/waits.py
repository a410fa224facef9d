"""Waits: puts with put-callback, for records that have to be done before something else may happen.

A put-callback may come after hours, but the server has read the put long before: the lane proves that as it does for plain
puts, so that room on the circuit is not held by what is only waited for. (A put that alone is larger than all room has no
such proof but its callback.)

A server refuses a second put-callback on a channel while the first is unanswered. So a busy channel gets a plain put, which
turns the record to the new value at once, and the put-callback of the same value when it is free.
"""

from __future__ import annotations

import asyncio
import time

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Outcome, Readings, long_text_name

from .. import eca
from ..arrivals import SLICE, Tally
from ..get import Reply
from ..writer import LONG_TEXT_TIMEOUT, PUT_FAILURES
from .core import Core
from .lane import Lane, Rows
from .messages import messages_of
from .waiting_lane import Busy, WaitingLane
from .writer import Writer

LONGEST = 0.1
"""Seconds to sleep at most before looking again."""

PROOF = 5.0
"""Seconds of silence after which a server counts as hung that is given the plain put of a busy channel."""


class Waits:
    """All puts with put-callback of an engine."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._busy: Busy = {}

    async def run(
        self, channels: Rows, values: Readings, timeouts: NDArray[np.float64], tally: Tally, outcomes: NDArray[np.uint8]
    ) -> None:
        """Put `values`, row by row, to `channels`; ends when each row's outcome is in `outcomes`, or its time is over."""
        await Waiter(self._core, self._busy, channels, values, tally, outcomes).run(timeouts)


class Waiter:
    """One such write. Once nobody waits any more, late callbacks find nobody."""

    def __init__(
        self, core: Core, busy: Busy, channels: Rows, values: Readings, tally: Tally, outcomes: NDArray[np.uint8]
    ) -> None:
        self._core, self._busy, self._tally, self._outcomes = core, busy, tally, outcomes
        self._plain, self._values = channels, values
        self._messages = messages_of(values)
        self._channels = channels.copy()
        for row in np.flatnonzero(self._messages.long_text).tolist():
            self._channels[row] = core.table.number(long_text_name(core.table.names[channels[row]]))
        self._open = np.ones(len(channels), bool)
        self._sent = np.zeros(len(channels), bool)
        self._waiting: Rows = np.arange(len(channels))
        self._held = np.array([self._is_busy(channel) for channel in self._channels.tolist()], bool)
        self._lanes: list[Lane] = []
        self._heard = 0.0
        self._lived = 0.0

    async def run(self, timeouts: NDArray[np.float64]) -> None:
        """Put and wait, each row for its own time; that is counted in slices, as of `Silence`."""
        ahead, looked = asyncio.create_task(self._turn_the_busy()), time.monotonic()
        try:
            while True:
                moved = self._turn()
                now = time.monotonic()
                self._lived += min(now - looked, SLICE)
                looked = now
                self._give_up(self._open & (self._lived >= timeouts))
                if not self._open.any():
                    return
                pause = min(LONGEST, 0.0003 + (self._lived - self._heard) / 20)
                await asyncio.sleep(0 if moved else pause)
        finally:
            self._open[:] = False
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)
            self._lanes = []

    def wanted(self, row: int) -> bool:
        """False if the row's time is over."""
        return bool(self._open[row])

    def sent(self, rows: Rows, statuses: list[int]) -> None:
        """Libca has taken these rows, or says why not."""
        self._heard = self._lived
        for row, status in zip(rows.tolist(), statuses, strict=True):
            if not self._open[row]:
                continue
            if status == eca.ECA_NORMAL:
                self._sent[row] = True
            else:
                self._finish(row, PUT_FAILURES.get(status, Outcome.REFUSED))

    def answered(self, row: int, reply: Reply) -> None:
        """The row's put-callback came."""
        if self._open[row]:
            self._finish(row, Outcome.DONE if reply.ok else PUT_FAILURES.get(reply.status, Outcome.REFUSED))

    def _turn(self) -> bool:
        """Take in what there is, and send what can be sent; True if that was anything."""
        self._core.pump()
        self._core.weigh()
        self._look()
        return sum(lane.turn() for lane in self._lanes) > 0

    def _look(self) -> None:
        """Give lanes to the rows that can be put now."""
        table, rows = self._core.table, self._waiting[self._open[self._waiting]]
        hung = self._core.servers.hung(self._channels[rows])
        for row in rows[hung].tolist():
            self._finish(row, Outcome.UNSENDABLE)
        rows = rows[~hung]
        connected = table.connected[self._channels[rows]]
        may_connect = self._messages.long_text[rows] & (self._lived < LONG_TEXT_TIMEOUT)
        for row in rows[~connected & ~may_connect].tolist():
            self._finish(row, Outcome.UNSENDABLE if self._messages.long_text[row] else Outcome.DISCONNECTED)
        ready = np.flatnonzero(connected)
        ready = ready[[not self._must_wait(row) for row in rows[ready].tolist()]] if len(ready) else ready
        # Each channel once: the second put to it comes after the first.
        ready = ready[np.sort(np.unique(self._channels[rows[ready]], return_index=True)[1])]
        self._waiting = np.delete(rows, ready)
        self._make_lanes(rows[ready])

    def _must_wait(self, row: int) -> bool:
        return bool(self._held[row]) or self._is_busy(int(self._channels[row]))

    def _is_busy(self, channel: int) -> bool:
        return self._busy.get(channel) == self._core.table.losses[channel]

    def _make_lanes(self, rows: Rows) -> None:
        circuits = self._core.table.circuit[self._channels[rows]]
        for circuit in np.unique(circuits).tolist():
            mine = rows[circuits == circuit]
            self._lanes.append(WaitingLane(self._core, self._messages, self._channels, mine, self, self._busy))

    async def _turn_the_busy(self) -> None:
        rows = np.flatnonzero(self._held)
        if len(rows) == 0:
            return
        self._sent[rows] = True
        writer = Writer(self._core, self._plain[rows], self._values.select(rows), Tally())
        for row, outcome in zip(rows.tolist(), await writer.run(PROOF), strict=True):
            if self._open[row] and outcome not in (Outcome.DONE, Outcome.PENDING):
                self._finish(row, Outcome(outcome))
        self._held[rows] = False

    def _give_up(self, late: NDArray[np.bool_]) -> None:
        for row in np.flatnonzero(late).tolist():
            self._finish(row, Outcome.PENDING if self._sent[row] else Outcome.UNSENDABLE)

    def _finish(self, row: int, outcome: Outcome) -> None:
        self._outcomes[row] = outcome
        self._open[row] = False
        self._tally.done += 1
        self._heard = self._lived
