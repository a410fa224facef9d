"""Subscriptions: all feeds of an engine; what libca is asked for them, a bounded amount at a time, and what it says."""

from __future__ import annotations

import itertools
import time

import numpy as np

from ..delivery import Delivery
from ..get import Reply
from .asking import Rows
from .chunks import Listing
from .core import CHUNK, READ_ROOM, Core
from .feed import Feed, feed_of
from .libca import lib
from .monitors import LOSS, Monitors

PULSE = 0.02
"""Seconds between two looks at what has come, while there are subscriptions."""

HURRY = 0.002
"""The same while there is something to be subscribed to."""

CREATE, CLEAR = 32, 16
"""Bytes of the requests (caProto.h)."""

SPELL = 0.01
"""Seconds for which subscriptions are cleared in one go: each waits for callbacks that run (`ca_clear_subscription`)."""


class Subscriptions:
    """Feeds are there from `open` until their delivery is closed."""

    def __init__(self, core: Core) -> None:
        self._core, self._monitors = core, Monitors(core.table)
        self._feeds: dict[int, Feed] = {}
        self._numbers = itertools.count(1)
        self._old: list[tuple[int, int]] = []

    def open(self, listing: Listing, delivery: Delivery) -> None:
        """Begin to hear of the channels of a list."""
        number = next(self._numbers)
        self._feeds[number] = Feed(self._core, number, listing, delivery)
        self._monitors.wanted = True

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return self._monitors.wanted

    def turn(self) -> float:
        """Take what has come, and ask for what is missing; how many seconds may pass until the next turn."""
        # First: whatever is in the stream then, the table knows of its connection afterwards.
        items = self._monitors.take()
        self._core.pump()
        self._core.weigh()
        tokens = np.array([item.token for item in items], np.int64)
        codes = np.array([item.code for item in items], np.int64)
        owners, losses = np.where(codes == LOSS, 0, feed_of(tokens)), codes == LOSS
        for number, feed in list(self._feeds.items()):
            if feed.delivery.closed:
                feed.end()
                del self._feeds[number]
            else:
                places = np.flatnonzero((owners == number) | losses) if len(items) else np.zeros(0, np.intp)
                feed.hear([items[place] for place in places.tolist()], tokens[places], codes[places])
            self._old += feed.old
            feed.old = []
        busy = self._clear()
        for feed in self._feeds.values():
            busy |= self._create(feed)
        lib.ca_flush_io()
        self._monitors.wanted = bool(self._feeds or self._old)
        return HURRY if busy else PULSE

    def _create(self, feed: Feed) -> bool:
        """Subscribe to as much as there is room for; True if there is more."""
        rows, feed.missing = feed.missing, feed.missing[:0]
        circuits = self._core.table.circuit[feed.channels[rows]]
        for circuit in np.unique(circuits).tolist():
            mine = rows[circuits == circuit]
            room = min(CHUNK, max(0, READ_ROOM - self._core.load(circuit)) // CREATE)
            feed.missing = np.concatenate([feed.missing, mine[room:]])
            if room:
                self._create_some(feed, mine[:room])
                self._prove(circuit, len(mine[:room]) * CREATE)
        return len(feed.missing) > 0

    def _create_some(self, feed: Feed, rows: Rows) -> None:
        for row in rows.tolist():
            feed.subscribed(row, self._monitors.create(int(feed.channels[row]), feed.token(row)))

    def _clear(self) -> bool:
        """Clear what is not wanted any more; what is on a circuit that has no room, or hangs, later."""
        until, later, sizes = time.monotonic() + SPELL, [], dict[int, int]()
        for place, (channel, identity) in enumerate(self._old):
            if time.monotonic() > until:
                later += self._old[place:]
                break
            circuit = int(self._core.table.circuit[channel]) if self._core.table.connected[channel] else -1
            size = sizes.get(circuit, 0)
            if circuit >= 0 and (self._core.servers.is_hung(circuit) or self._core.load(circuit) + size > READ_ROOM):
                later.append((channel, identity))
                continue
            lib.ca_clear_subscription(identity)
            sizes[circuit] = size + CLEAR
        self._old = later
        for circuit, size in sizes.items():
            if circuit >= 0:
                self._prove(circuit, size)
        return bool(later)

    def _prove(self, circuit: int, size: int) -> None:
        """Count these bytes until an answer shows that the server has read them."""
        witness = self._core.servers.witness(circuit)
        if witness is None:
            return

        def proved(_channel: int, _reply: Reply) -> None:
            self._core.unproven[circuit] -= size

        self._core.unproven[circuit] += size
        self._core.sent(circuit, size)
        self._core.questions.prove(witness, proved)
