"""Reader: one read of a list of channels."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np

from snapioc.model import Reason

from .. import eca
from ..get import Reply
from .absence import why_not_asked
from .asking import Asking, Rows
from .chunks import Chunk, Listing, chunks_of
from .core import GET, READ_ROOM, Core
from .descriptions import KNOWN
from .intake import Intake
from .libca import lib
from .silence import Silence


class Reader:
    """Has what `asking` says of each channel of `listing`, numbers that rise, taken into the row of the same place.

    A row waits until its channel can be asked, is queued at its circuit, is asked, and is done. Answers of a known size come
    into the channel's place, without Python work per value; all others with a get-callback.
    """

    def __init__(self, core: Core, listing: Listing, asking: Asking, intake: Intake) -> None:
        self._core, self._listing, self._channels = core, listing, listing.channels
        self._asking, self._intake = asking, intake
        self._identity = core.identity()
        self._waiting: Rows = np.arange(len(listing.channels))
        self._queues: dict[int, deque[Chunk]] = {}
        self._asked: list[Rows] = []
        self._on_way: list[Chunk] = []
        self._losses = np.zeros(len(listing.channels), np.int32)
        self._over = False
        self._batch, self._expected = core.questions.batch(self._on_replies), 0

    async def run(self, timeout: float) -> None:
        """Read until all is done, or nothing has come for `timeout` seconds."""
        silence = Silence(timeout)
        self._core.readers[self._identity] = self
        try:
            while True:
                issued = self._turn()
                silence.look(heard=issued or self._intake.take_heard())
                if self._intake.complete:
                    return
                if silence.over:
                    self._core.servers.gave_up(self._channels[~self._intake.done])
                    return
                await asyncio.sleep(0 if issued else silence.pause)
        finally:
            del self._core.readers[self._identity]
            self._abandon()
            self._over = True
            self._end()

    def refused(self, channel: int, status: int) -> None:
        """The server refused to read a channel into its slot."""
        self._intake.refused(self._intake.row(channel), status)

    def _turn(self) -> bool:
        """Ask what can be asked, or else see what has come; True if something was asked."""
        self._core.pump()
        if self._issue() or (self._make_room() and self._issue()):
            return True
        self._harvest()
        self._core.weigh()
        self._look()
        self._intake.look()
        lib.ca_flush_io()
        return self._issue()

    def _look(self) -> None:
        """Queue the rows that can be asked by now; those that cannot be read are missing."""
        table = self._core.table
        channels = self._channels[self._waiting]
        why = why_not_asked(self._core, channels)
        for reason in np.unique(why[why != Reason.OK]).tolist():
            self._intake.missing(self._waiting[why == reason], Reason(reason))
        here = why == Reason.OK
        self._core.describe(channels[here])
        free = (table.unanswered[channels] == 0) & (table.owner[channels] == 0)
        ready = here & free & (table.described[channels] == KNOWN)
        self._queue(self._waiting[ready])
        self._waiting = self._waiting[here & ~ready]

    def _queue(self, rows: Rows) -> None:
        if len(rows) == len(self._channels):
            chunks = self._listing.chunks(self._core, self._asking)
        else:
            chunks = chunks_of(self._core, self._asking, rows, self._channels[rows])
        for chunk in chunks:
            self._queues.setdefault(chunk.circuit, deque()).append(chunk)

    def _issue(self) -> bool:
        """Ask a chunk on every circuit that has room for it."""
        issued = False
        for circuit, queue in list(self._queues.items()):
            if self._core.servers.is_hung(circuit):
                self._waiting = np.concatenate([self._waiting, *(chunk.rows for chunk in queue)])
                del self._queues[circuit]
            elif self._core.load(circuit) < READ_ROOM:
                chunk = queue.popleft()
                if not queue:
                    del self._queues[circuit]
                self._core.sent(circuit, len(chunk) * GET)
                self._ask(chunk)
                issued = True
        if issued:
            lib.ca_flush_io()
        return issued

    def _ask(self, chunk: Chunk) -> None:
        table, channels = self._core.table, chunk.channels
        free = (table.unanswered[channels] == 0) & (table.owner[channels] == 0) & (table.described[channels] == KNOWN)
        free &= table.connected[channels] & (table.losses[channels] == chunk.losses)
        if not free.all():  # since it was queued
            self._waiting = np.concatenate([self._waiting, chunk.rows[~free]])
            rows = chunk.rows[free]
            for part in chunks_of(self._core, self._asking, rows, self._channels[rows]):
                self._ask_now(part)
        else:
            self._ask_now(chunk)

    def _ask_now(self, chunk: Chunk) -> None:
        table, channels = self._core.table, chunk.channels
        self._losses[chunk.rows] = chunk.losses
        table.unanswered[channels] = 1
        if chunk.with_callback:
            statuses = self._core.questions.ask_all(self._batch, chunk.rows, chunk.codes, chunk.counts, chunk.chids)
            self._expected += statuses.count(eca.ECA_NORMAL)
        else:
            self._asking.places.prepare(channels, chunk.types)
            table.owner[channels] = self._identity
            statuses = list(map(lib.ca_array_get, chunk.codes, chunk.counts, chunk.chids, chunk.addresses))
            self._asked.append(chunk.rows)
            self._on_way.append(chunk)
        self._check(channels, statuses)

    def _check(self, channels: Rows, statuses: list[int]) -> None:
        """See whether libca has taken all requests."""
        if statuses.count(eca.ECA_NORMAL) == len(statuses):
            return
        for place in np.flatnonzero(np.array(statuses) != eca.ECA_NORMAL).tolist():
            self._core.answered(channels[place : place + 1])
            self.refused(int(channels[place]), statuses[place])

    def _make_room(self) -> bool:
        """Note which chunks are answered, so that more can be asked; what they hold is taken when there is time."""
        answered = [
            chunk for chunk in self._on_way if self._queues and self._asking.places.filled(chunk.channels, chunk.types).all()
        ]
        for chunk in answered:
            self._core.table.unanswered[chunk.channels] = 0
            self._core.servers.arrived(chunk.channels)
            self._core.sent(chunk.circuit, -len(chunk) * GET)
            self._on_way.remove(chunk)
        return bool(answered)

    def _harvest(self) -> None:
        """Take what has come into slots."""
        asked = self._still_asked()
        table, places = self._core.table, self._asking.places
        channels = self._channels[asked]
        alive = table.losses[channels] == self._losses[asked]
        if not alive.all():
            self._intake.missing(asked[~alive], Reason.DISCONNECTED)
            asked, channels = asked[alive], channels[alive]
        filled = places.filled(channels, table.dbr_type[channels])
        self._asked = [asked[~filled]]
        rows, channels = asked[filled], channels[filled]
        if len(rows):
            lib.ca_state(int(table.chid[channels[0]]))  # takes libca's lock, under which it writes to slots
            self._intake.take_slots(rows, channels)
            self._core.arrived(channels)
            self._on_way = [chunk for chunk in self._on_way if not self._intake.done[chunk.rows].all()]

    def _on_replies(self, replies: list[tuple[int, Reply]]) -> None:
        rows = np.array([row for row, _ in replies], np.intp)
        channels, table = self._channels[rows], self._core.table
        alive = table.losses[channels] == self._losses[rows]
        table.unanswered[channels[alive]] = 0
        self._expected -= len(rows)
        if self._over:
            self._end()
            return
        self._intake.missing(rows[~alive], Reason.DISCONNECTED)
        self._intake.take_replies([reply for reply, here in zip(replies, alive.tolist(), strict=True) if here])

    def _still_asked(self) -> Rows:
        asked = np.concatenate([np.zeros(0, np.intp), *self._asked])
        return asked[~self._intake.done[asked]]

    def _end(self) -> None:
        if self._expected == 0:
            self._core.questions.end(self._batch)

    def _abandon(self) -> None:
        asked = self._still_asked()
        channels = self._channels[asked]
        alive = self._core.table.owner[channels] == self._identity
        self._core.abandon(channels[alive], self._asking.places)
