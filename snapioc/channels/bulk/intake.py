"""Intake: what has come in for one read, from slots, replies, and the channels of long texts."""

from __future__ import annotations

import time
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from snapioc.model import MAX_STRING, DbrType, Flag, Reason

from .. import eca
from ..arrivals import Tally
from ..get import Reply
from ..reply_content import TIME, characters_of, stamps_of
from .collector import Collector
from .core import Core
from .long_texts import LongTexts
from .slots import texts_of

_LONGEST = MAX_STRING - 1

_FAILURES = {eca.ECA_DISCONN: Reason.DISCONNECTED, eca.ECA_NORDACCESS: Reason.NO_READ_ACCESS}

Rows = NDArray[np.intp]


class Intake:
    """Takes answers into the rows of a collector; a row is `done` when nothing more is to come for it.

    `last` is the Unix time at which a row was done last. Row i belongs to the channel `channels[i]`; these rise.
    """

    def __init__(self, core: Core, channels: Rows, tally: Tally) -> None:
        self.collector = Collector(len(channels))
        self.done = np.zeros(len(channels), bool)
        self.last = time.time()
        self.long_texts = LongTexts(core, self._take_long_text)
        self._table, self._slots = core.table, core.slots
        self._channels, self._tally = channels, tally
        self._heard = False

    def row(self, channel: int) -> int:
        """The row of a channel."""
        return int(np.searchsorted(self._channels, channel))

    def take_heard(self) -> bool:
        """Whether anything has come in since the last call."""
        heard, self._heard = self._heard, False
        return heard

    def missing(self, rows: Rows, reason: Reason) -> None:
        """Rows that will not be read."""
        self.collector.missing(rows, reason)
        self._finish(rows)

    def refused(self, row: int, status: int) -> None:
        """A row that a server, or libca, has refused to read."""
        self.missing(np.array([row]), _FAILURES.get(status, Reason.READ_REFUSED))

    def take_slots(self, rows: Rows, channels: Rows) -> None:
        """Rows whose answers are in the slots of their channels."""
        types = self._table.dbr_type[channels]
        uncut = np.ones(len(rows), bool)
        for dbr_type in map(DbrType, np.flatnonzero(np.bincount(types)).tolist()):
            of_type = np.flatnonzero(types == dbr_type)
            answers = self._slots.answers(channels[of_type], dbr_type)
            self.collector.scalars(rows[of_type], dbr_type, answers, self._table.metadata[channels[of_type]])
            for place, text in enumerate(answers.texts):
                if len(text) >= _LONGEST:
                    uncut[of_type[place]] = False
                    self._cut(int(rows[of_type[place]]), int(channels[of_type[place]]))
        self._finish(rows[uncut])

    def take_replies(self, replies: list[tuple[int, Reply]]) -> None:
        """Rows and what get-callbacks have brought for them."""
        numbers: dict[DbrType, list[tuple[int, Reply]]] = defaultdict(list)
        expected = (self._table.dbr_type[self._channels[[row for row, _ in replies]]] + TIME).tolist() if replies else []
        for (row, reply), code in zip(replies, expected, strict=True):
            if not reply.ok:
                self.refused(row, reply.status)
            elif reply.code != code:
                self.missing(np.array([row]), Reason.UNREADABLE)
            elif code == TIME + DbrType.STRING:
                self._take_texts(row, reply)
            else:
                numbers[DbrType(code - TIME)].append((row, reply))
        for dbr_type, several in numbers.items():
            rows = np.array([row for row, _ in several], np.intp)
            metadata = self._table.metadata[self._channels[rows]]
            self.collector.arrays(rows, dbr_type, [reply for _, reply in several], metadata)
            self._finish(rows)

    def _take_texts(self, row: int, reply: Reply) -> None:
        channel = int(self._channels[row])
        single = self._table.element_count[channel] == 1
        texts = texts_of(reply)
        if single:
            # An lso that was never written has no element; it takes the empty text, but no empty array.
            texts = texts[:1] or [b""]
        self.collector.texts(row, texts, stamps_of(reply), int(self._table.metadata[channel]))
        if single and len(texts[0]) >= _LONGEST:
            self._cut(row, channel)
            return
        if any(len(text) > _LONGEST for text in texts):
            self.collector.cut(row, _LONGEST)
        self._finish(np.array([row]))

    def _cut(self, row: int, channel: int) -> None:
        self.collector.cut(row, _LONGEST)
        self._heard = True
        self.long_texts.read(channel)

    def _take_long_text(self, channel: int, reply: Reply | None) -> None:
        row = self.row(channel)
        if reply is not None and reply.ok:
            text = characters_of(reply)
            self.collector.texts(row, [text], stamps_of(reply), int(self._table.metadata[channel]))
            self.collector.flag(row, Flag.LONG if len(text) > _LONGEST else Flag.NONE)
        self._finish(np.array([row]))

    def _finish(self, rows: Rows) -> None:
        self._tally.done += int(np.count_nonzero(~self.done[rows]))
        self.done[rows] = True
        self._heard = True
        self.last = time.time()
