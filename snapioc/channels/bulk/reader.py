"""Reader: one read of a list of channels."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np

from snapioc.model import Reason

from .. import eca
from ..arrivals import Tally
from ..get import Reply
from ..reply_content import TIME
from .core import CHUNK, GET, READ_ROOM, Core
from .descriptions import KNOWN
from .intake import Intake, Rows
from .libca import lib
from .silence import Silence


class Reader:
    """Reads each of `channels`, numbers that rise, into the row of the same place.

    A row waits until its channel can be asked, is queued at its circuit, is asked, and is done. Channels whose length
    cannot vary are asked for an answer in their slot, without Python work per value; all others with a get-callback.
    """

    def __init__(self, core: Core, channels: Rows, tally: Tally) -> None:
        self.intake = Intake(core, channels, tally)
        self._core, self._channels, self._tally = core, channels, tally
        self._identity = core.identity()
        self._waiting: Rows = np.arange(len(channels))
        self._queues: dict[int, deque[Rows]] = {}
        self._asked: list[Rows] = []
        self._losses = np.zeros(len(channels), np.int32)
        self._over = False
        self._batch, self._expected = core.questions.batch(self._on_replies), 0

    async def run(self, timeout: float) -> None:
        """Read until all is done, or nothing has come for `timeout` seconds."""
        silence = Silence(timeout)
        self._core.readers[self._identity] = self
        try:
            while True:
                issued = self._turn()
                silence.look(heard=issued or self.intake.take_heard())
                if self._tally.done == len(self._channels) or silence.over:
                    return
                await asyncio.sleep(0 if issued else silence.pause)
        finally:
            del self._core.readers[self._identity]
            self._abandon()
            self._over = True
            self._end()

    def refused(self, channel: int, status: int) -> None:
        """The server refused to read a channel into its slot."""
        self.intake.refused(self.intake.row(channel), status)

    def _turn(self) -> bool:
        """Ask what can be asked, or else see what has come; True if something was asked."""
        self._core.pump()
        if self._issue():
            return True
        self._harvest()
        self._core.weigh()
        self._look()
        self.intake.long_texts.look()
        lib.ca_flush_io()
        return self._issue()

    def _look(self) -> None:
        """Queue the rows that can be asked by now; those that cannot be read are missing."""
        table = self._core.table
        channels = self._channels[self._waiting]
        connected, readable = table.connected[channels], table.readable[channels]
        for absent, reason in (
            (~connected & ~table.ever_connected[channels], Reason.NEVER_CONNECTED),
            (~connected & table.ever_connected[channels], Reason.DISCONNECTED),
            (connected & ~readable, Reason.NO_READ_ACCESS),
        ):
            if absent.any():
                self.intake.missing(self._waiting[absent], reason)
        here = connected & readable
        self._core.describe(channels[here])
        ready = here & (table.described[channels] == KNOWN) & (table.unanswered[channels] == 0)
        self._queue(self._waiting[ready])
        self._waiting = self._waiting[here & ~ready]

    def _queue(self, rows: Rows) -> None:
        # Get-callbacks last: while they come in, they and the calls that go out wait for each other (the GIL).
        rows = rows[np.argsort(self._core.table.variable[self._channels[rows]], kind="stable")]
        circuits = self._core.table.circuit[self._channels[rows]]
        for circuit in np.unique(circuits).tolist():
            mine = rows[circuits == circuit]
            chunks = (mine[at : at + CHUNK] for at in range(0, len(mine), CHUNK))
            self._queues.setdefault(circuit, deque()).extend(chunks)

    def _issue(self) -> bool:
        """Ask a chunk on every circuit that has room for it."""
        issued = False
        for circuit, queue in list(self._queues.items()):
            if self._core.load(circuit) < READ_ROOM:
                rows = queue.popleft()
                if not queue:
                    del self._queues[circuit]
                self._core.sent(circuit, len(rows) * GET)
                self._ask(rows)
                issued = True
        if issued:
            lib.ca_flush_io()
        return issued

    def _ask(self, rows: Rows) -> None:
        table = self._core.table
        channels = self._channels[rows]
        free = table.connected[channels] & (table.unanswered[channels] == 0) & (table.described[channels] == KNOWN)
        if not free.all():  # since it was queued
            self._waiting = np.concatenate([self._waiting, rows[~free]])
            rows, channels = rows[free], channels[free]
        self._losses[rows] = table.losses[channels]
        table.unanswered[channels] = 1
        variable = table.variable[channels]
        self._ask_slots(rows[~variable], channels[~variable])
        self._ask_all(rows[variable], channels[variable])

    def _ask_slots(self, rows: Rows, channels: Rows) -> None:
        if len(rows) == 0:
            return
        table = self._core.table
        types = table.dbr_type[channels]
        addresses = self._core.slots.prepare(channels, types)
        table.owner[channels] = self._identity
        codes, chids = (types + TIME).tolist(), table.chid[channels].tolist()
        statuses = list(map(lib.ca_array_get, codes, [1] * len(codes), chids, addresses.tolist()))
        self._asked.append(rows)
        self._check(channels, statuses)

    def _ask_all(self, rows: Rows, channels: Rows) -> None:
        if len(rows) == 0:
            return
        codes = self._core.table.dbr_type[channels] + TIME
        statuses = self._core.questions.ask_all(self._batch, rows, channels, codes)
        self._expected += statuses.count(eca.ECA_NORMAL)
        self._check(channels, statuses)

    def _check(self, channels: Rows, statuses: list[int]) -> None:
        """See whether libca has taken all requests."""
        if statuses.count(eca.ECA_NORMAL) == len(statuses):
            return
        for place in np.flatnonzero(np.array(statuses) != eca.ECA_NORMAL).tolist():
            self._core.answered(channels[place : place + 1])
            self.refused(int(channels[place]), statuses[place])

    def _harvest(self) -> None:
        """Take what has come into slots."""
        asked = self._still_asked()
        table, slots = self._core.table, self._core.slots
        channels = self._channels[asked]
        alive = table.losses[channels] == self._losses[asked]
        if not alive.all():
            self.intake.missing(asked[~alive], Reason.DISCONNECTED)
            asked, channels = asked[alive], channels[alive]
        filled = slots.filled(channels, table.dbr_type[channels])
        self._asked = [asked[~filled]]
        rows, channels = asked[filled], channels[filled]
        if len(rows):
            lib.ca_state(int(table.chid[channels[0]]))  # takes libca's lock, under which it writes to slots
            self.intake.take_slots(rows, channels)
            self._core.answered(channels)

    def _on_replies(self, replies: list[tuple[int, Reply]]) -> None:
        rows = np.array([row for row, _ in replies], np.intp)
        channels, table = self._channels[rows], self._core.table
        alive = table.losses[channels] == self._losses[rows]
        table.unanswered[channels[alive]] = 0
        self._expected -= len(rows)
        if self._over:
            self._end()
            return
        self.intake.missing(rows[~alive], Reason.DISCONNECTED)
        self.intake.take_replies([reply for reply, here in zip(replies, alive.tolist(), strict=True) if here])

    def _still_asked(self) -> Rows:
        asked = np.concatenate([np.zeros(0, np.intp), *self._asked])
        return asked[~self.intake.done[asked]]

    def _end(self) -> None:
        if self._expected == 0:
            self._core.questions.end(self._batch)

    def _abandon(self) -> None:
        asked = self._still_asked()
        channels = self._channels[asked]
        alive = self._core.table.owner[channels] == self._identity
        self._core.abandon(channels[alive])
