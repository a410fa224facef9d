"""Writer: one write of a list of values.

Puts go without callback: the answer to a read that follows on the same circuit proves that the server has gone through all
of them, at a third of the cost of put-callbacks. What it refused it has said by then, and libca says so to its exception
handler. Records that go on working after that (asynchronous ones) are DONE in this sense too: whether they hold the value
is for the read-back to tell, as for all others. Members that must have finished need put-callbacks: see `waits`.
"""

from __future__ import annotations

import asyncio
import time

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Outcome, Readings, long_text_name

from .. import eca
from ..arrivals import Tally
from ..writer import LONG_TEXT_TIMEOUT, PUT_FAILURES
from .core import Core
from .lane import Lane, Rows
from .messages import messages_of
from .silence import Silence


class Writer:
    """Writes `values`, row by row, to `channels`; a channel may be there several times."""

    def __init__(self, core: Core, channels: Rows, values: Readings, tally: Tally) -> None:
        self._core, self._tally = core, tally
        self._messages = messages_of(values)
        self._channels = channels.copy()
        table = core.table
        for row in np.flatnonzero(self._messages.long_text).tolist():
            self._channels[row] = table.number(long_text_name(table.names[channels[row]]))
        self._outcome = np.full(len(channels), Outcome.UNSENDABLE, np.uint8)
        self._in_flight = np.zeros(len(channels), bool)
        self._done = np.zeros(len(channels), bool)
        self._waiting: Rows = np.arange(len(channels))
        self._lanes: list[Lane] = []
        self._heard = False

    async def run(self, timeout: float) -> NDArray[np.uint8]:
        """Write; an Outcome per row, when all servers have read all, or nothing has moved for `timeout` seconds."""
        silence, identity = Silence(timeout), self._core.identity()
        until = time.monotonic() + LONG_TEXT_TIMEOUT
        self._core.writers[identity] = self
        try:
            while True:
                self._core.pump()
                self._core.weigh()
                self._look(give_up=time.monotonic() >= until)
                moved = sum(lane.turn() for lane in self._lanes) > 0
                silence.look(heard=moved or self._take_heard())
                if self._tally.done == len(self._channels) or silence.over:
                    return self._outcome.copy()
                await asyncio.sleep(0 if moved else silence.pause)
        finally:
            del self._core.writers[identity]
            self._lanes = []

    def refused(self, channel: int, status: int) -> None:
        """The server refused a put to a channel."""
        rows = np.flatnonzero((self._channels == channel) & (self._in_flight | (self._outcome == Outcome.DONE)))
        self._outcome[rows] = PUT_FAILURES.get(status, Outcome.REFUSED)
        self._finish(rows)

    def _look(self, *, give_up: bool) -> None:
        """Give lanes to the rows that can be written; only long texts may wait for their channels to connect."""
        if len(self._waiting) == 0:
            return
        table, rows = self._core.table, self._waiting
        connected = table.connected[self._channels[rows]]
        may_wait = self._messages.long_text[rows] & ~connected
        hung = self._core.servers.hung(self._channels[rows])
        self._finish(rows[hung])  # nothing is sent to a server that does not answer
        rows, connected, may_wait = rows[~hung], connected[~hung], may_wait[~hung]
        gone = rows[~connected & ~may_wait]
        self._outcome[gone] = Outcome.DISCONNECTED
        self._finish(gone)
        self._waiting = rows[may_wait]
        if give_up:
            self._finish(self._waiting)
            self._waiting = self._waiting[:0]
        here = rows[connected]
        circuits = table.circuit[self._channels[here]]
        for circuit in np.unique(circuits).tolist():
            mine = here[circuits == circuit]
            self._lanes.append(Lane(self._core, self._messages, self._channels, mine, self._on_sent, self._on_proved))

    def _on_sent(self, rows: Rows, statuses: list[int]) -> None:
        self._outcome[rows] = Outcome.PENDING
        self._in_flight[rows] = True
        if statuses.count(eca.ECA_NORMAL) == len(statuses):
            return
        for place in np.flatnonzero(np.array(statuses) != eca.ECA_NORMAL).tolist():
            self._outcome[rows[place]] = PUT_FAILURES.get(statuses[place], Outcome.REFUSED)
            self._finish(rows[place : place + 1])

    def _on_proved(self, rows: Rows, alive: bool) -> None:
        rows = rows[self._in_flight[rows]]
        self._outcome[rows] = Outcome.DONE if alive else Outcome.DISCONNECTED
        self._finish(rows)

    def _finish(self, rows: Rows) -> None:
        self._in_flight[rows] = False
        self._tally.done += int(np.count_nonzero(~self._done[rows]))
        self._done[rows] = True
        self._heard = True

    def _take_heard(self) -> bool:
        heard, self._heard = self._heard, False
        return heard
