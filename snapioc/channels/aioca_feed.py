"""AiocaFeed: one subscription of the aioca engine to a list of PVs."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial

import numpy as np

from snapioc.model import MAX_STRING, DbrType, Events, Flag, ReadingsBuilder, Reason

from . import eca
from .delivery import Delivery
from .event_monitor import EventMonitor
from .get import Reply
from .link import Link
from .reply_content import TIME, stamps_of, value_of

_log = logging.getLogger(__name__)


class AiocaFeed:
    """A monitor for each link, a new one when its channel has come back with another type."""

    def __init__(self, links: Sequence[Link], delivery: Delivery) -> None:
        self._links, self._delivery = links, delivery
        self._events: list[tuple[int, Reply]] = []
        self._lost: set[int] = set()
        self._codes = [0] * len(links)
        self._monitors = [self._monitor(row) for row in range(len(links))]

    def turn(self) -> bool:
        """Hand over what was heard; False if nothing more is wanted."""
        if self._delivery.closed:
            self.end()
            return False
        events, self._events = self._events, []
        if self._delivery.full:
            self._lost.update(row for row, _ in events)
        else:
            self._make_up()
            self._post(events)
        return True

    def end(self) -> None:
        """Clear all."""
        for monitor in self._monitors:
            monitor.close()

    def _monitor(self, row: int) -> EventMonitor:
        return EventMonitor(self._links[row].name, partial(self._told, row))

    def _told(self, row: int, reply: Reply) -> None:
        link = self._links[row]
        if reply.ok and self._codes[row] == 0:
            self._codes[row] = reply.code
        if reply.status != eca.ECA_DISCONN and link.look() and self._codes[row] not in (0, TIME + link.dbr_type):
            self._renew(row)  # what comes of the old type is converted, or cannot be
            return
        if reply.status != eca.ECA_DISCONN and link.circuit is not None:
            link.circuit.heard()
        self._events.append((row, reply))

    def _renew(self, row: int) -> None:
        self._monitors[row].close()
        self._codes[row] = 0
        self._monitors[row] = self._monitor(row)

    def _make_up(self) -> None:
        """When there is room again, say what was left out, and have what those PVs hold now."""
        rows, self._lost = sorted(self._lost), set()
        self._post([(row, Reply(eca.ECA_TIMEOUT)) for row in rows])
        for row in rows:
            self._renew(row)

    def _post(self, events: list[tuple[int, Reply]]) -> None:
        if not events:
            return
        builder = ReadingsBuilder(len(events))
        for place, (row, reply) in enumerate(events):
            try:
                _add(builder, place, self._links[row], reply)
            except Exception:
                # Whatever a server sends: it must not spoil the events of others.
                _log.exception("an event of %s could not be understood", self._links[row].name)
                builder.missing(place, Reason.UNREADABLE)
        now = time.time()
        self._delivery.post(Events(np.array([row for row, _ in events], np.intp), builder.build(now, now)))


_REASONS = {eca.ECA_DISCONN: Reason.DISCONNECTED, eca.ECA_TIMEOUT: Reason.EVENTS_LOST}


def _add(builder: ReadingsBuilder, place: int, link: Link, reply: Reply) -> None:
    if not reply.ok:
        builder.missing(place, _REASONS.get(reply.status, Reason.NO_READ_ACCESS))
        return
    single = link.element_count == 1
    value, flags, longest = value_of(reply, single_text=single), Flag.NONE, MAX_STRING - 1
    if isinstance(value, bytes) and len(value) >= longest:
        value, flags = value[:longest], Flag.CUT
    elif isinstance(value, list) and any(len(text) > longest for text in value):
        value, flags = [text[:longest] for text in value], Flag.CUT
    dbr_type = DbrType.STRING if isinstance(value, bytes) else DbrType(reply.code - TIME)
    builder.add(place, dbr_type, value, flags=flags, metadata=link.metadata, **stamps_of(reply))
