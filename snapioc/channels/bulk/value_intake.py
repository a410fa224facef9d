"""ValueIntake: the values that have come in for one read, from slots, replies, and the channels of long texts."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from snapioc.model import MAX_STRING, DbrType, Flag, Reason

from ..arrivals import Tally
from ..get import Reply
from ..reply_content import TIME, characters_of, stamps_of
from .asking import Rows
from .collector import Collector
from .core import Core
from .intake import Intake
from .long_texts import LongTexts
from .slots import texts_of

_LONGEST = MAX_STRING - 1


class ValueIntake(Intake):
    """Takes values into the rows of a collector."""

    def __init__(self, core: Core, channels: Rows, tally: Tally) -> None:
        super().__init__(core.table, channels, tally)
        self.collector = Collector(len(channels))
        self._slots = core.slots
        self._long_texts = LongTexts(core, self._take_long_text)

    def look(self) -> None:
        """See whether long texts have come."""
        self._long_texts.look()

    def missing(self, rows: Rows, reason: Reason) -> None:
        """Rows that will not be read."""
        self.collector.missing(rows, reason)
        self.finish(rows)

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
        self.finish(rows[uncut])

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
            self.finish(rows)

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
        self.finish(np.array([row]))

    def _cut(self, row: int, channel: int) -> None:
        self.collector.cut(row, _LONGEST)
        self.heard()
        self._long_texts.read(channel)

    def _take_long_text(self, channel: int, reply: Reply | None) -> None:
        row = self.row(channel)
        if reply is not None and reply.ok:
            text = characters_of(reply)
            self.collector.texts(row, [text], stamps_of(reply), int(self._table.metadata[channel]))
            self.collector.flag(row, Flag.LONG if len(text) > _LONGEST else Flag.NONE)
        self.finish(np.array([row]))
