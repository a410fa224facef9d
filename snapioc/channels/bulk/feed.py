"""Feed: one subscription to a list of PVs: which of its channels are subscribed to, and what is heard of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Events

from ..delivery import Delivery
from .asking import Rows
from .chunks import Listing
from .core import Core
from .event_rows import readings_of
from .monitors import LOSS, OVERRUN, REFUSED, Item

_ROW_BITS, _TURN_BITS = 24, 16
_ROWS, _TURNS = (1 << _ROW_BITS) - 1, (1 << _TURN_BITS) - 1


def feed_of(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of the feeds that these tokens belong to."""
    return tokens >> (_ROW_BITS + _TURN_BITS)


class Feed:
    """`channels` are the listing's, each once. Row i of them is subscribed to (`on`) with the type `types[i]`.

    A subscription that has to be renewed, because the channel came back with another type or events were lost, gets another
    token (`turns`), so that nothing of the old one is taken for the new one's. Those to be cleared are in `old`.
    """

    def __init__(self, core: Core, number: int, listing: Listing, delivery: Delivery) -> None:
        self.delivery, self.channels = delivery, listing.channels
        size = len(listing.channels)
        self.missing: Rows = np.zeros(0, np.intp)
        """The rows that could be subscribed to when this was looked at last."""
        self.old: list[tuple[int, int]] = []
        """Channels and libca's ids."""
        self._core, self._number = core, number
        self._on, self._down, self._missed = np.zeros(size, bool), np.zeros(size, bool), np.zeros(size, bool)
        self._ids = np.zeros(size, np.uint64)
        self._types = np.zeros(size, np.uint8)
        self._turns = np.zeros(size, np.int64)
        self._places = _Places(listing)
        self._seen = -1

    def token(self, row: int) -> int:
        """What libca is to say with the events of a row."""
        return (self._number << (_ROW_BITS + _TURN_BITS)) | (int(self._turns[row]) << _ROW_BITS) | row

    def subscribed(self, row: int, identity: int) -> None:
        """A row is subscribed to, or libca refuses that (0)."""
        self._on[row], self._down[row] = identity != 0, False
        self._ids[row], self._types[row] = identity, self._core.table.dbr_type[self.channels[row]]
        if identity == 0:
            self._post([Item(0, REFUSED, 0, b"")], np.array([row]))

    def end(self) -> None:
        """Let all be cleared."""
        self._renew(np.flatnonzero(self._on))

    def hear(self, items: Sequence[Item], tokens: NDArray[np.int64], codes: NDArray[np.int64]) -> None:
        """Take these items, in their order: the feed's own and losses of any channel. The table must know of all that
        libca had said before the last of them.
        """
        if len(items) and len(self.channels):
            losses = codes == LOSS
            rows = np.where(losses, np.searchsorted(self.channels, tokens), tokens & _ROWS)
            rows = np.minimum(rows, len(self.channels) - 1)
            meant = np.where(losses, self.channels[rows] == tokens, (tokens >> _ROW_BITS) & _TURNS == self._turns[rows])
            valid = self._on[rows] & meant
            lost = np.unique(rows[valid & losses])
            if len(lost) or self._down.any():
                self._cut_off(valid, rows, losses, lost)
            self._take([items[place] for place in np.flatnonzero(valid).tolist()], rows[valid])
            self._renew(rows[valid & (codes == OVERRUN)])
        if self._seen != self._core.table.changes:
            self._look_around()
        self._make_up()

    def _cut_off(self, valid: NDArray[np.bool_], rows: Rows, losses: NDArray[np.bool_], lost: Rows) -> None:
        """Of a channel that came back with another type nothing counts that was said after its loss: it is converted."""
        was_down = self._down.copy()
        self._down[lost] = True
        self._seen = -1
        for row in self._changed().tolist():
            mine = np.flatnonzero(rows == row)
            firsts = mine[losses[mine]]
            valid[mine if was_down[row] or len(firsts) == 0 else mine[mine > firsts[0]]] = False

    def _look_around(self) -> None:
        """Something has come or gone."""
        table = self._core.table
        self._seen = table.changes
        self._renew(self._changed())
        self._down &= ~table.connected[self.channels]
        off = np.flatnonzero(~self._on)
        channels = self.channels[off]
        self.missing = off[table.connected[channels] & ~self._core.servers.hung(channels)]

    def _changed(self) -> Rows:
        """Rows that were lost and came back with another type than they are subscribed with."""
        table, down = self._core.table, np.flatnonzero(self._on & self._down)
        channels = self.channels[down]
        return down[table.connected[channels] & (self._types[down] != table.dbr_type[channels])]

    def _take(self, items: list[Item], rows: Rows) -> None:
        if self.delivery.full:
            self._missed[rows] = True
        elif items:
            self._post(items, rows)

    def _make_up(self) -> None:
        """When there is room again, say what was left out, and have what those PVs hold now."""
        if self._missed.any() and not self.delivery.full:
            rows, self._missed = np.flatnonzero(self._missed), np.zeros_like(self._missed)
            self._post([Item(0, OVERRUN, 0, b"")] * len(rows), rows)
            gone = rows[~self._core.table.connected[self.channels[rows]]]
            if len(gone):
                self._post([Item(0, LOSS, 0, b"")] * len(gone), gone)
            self._renew(rows)

    def _post(self, items: list[Item], rows: Rows) -> None:
        readings = readings_of(self._core, items, self.channels[rows])
        self.delivery.post(self._places.events(Events(rows, readings)))

    def _renew(self, rows: Rows) -> None:
        rows = np.unique(rows[self._on[rows]])
        if len(rows):
            self.old += zip(self.channels[rows].tolist(), self._ids[rows].tolist(), strict=True)
            self._on[rows] = False
            self._turns[rows] = (self._turns[rows] + 1) & _TURNS
            self._seen = -1


class _Places:
    """Where in the list of PVs each of its channels stands; most lists have each once."""

    def __init__(self, listing: Listing) -> None:
        self._order = np.argsort(listing.places, kind="stable")
        self._often = np.bincount(listing.places, minlength=len(listing.channels))
        self._starts = np.cumsum(self._often) - self._often
        self._once = len(listing.channels) == len(listing.places)

    def events(self, events: Events) -> Events:
        """Events of channels as events of the list's places."""
        if self._once:
            return Events(self._order[events.rows], events.readings)
        often = self._often[events.rows]
        which = np.repeat(np.arange(len(events)), often)
        among = np.arange(len(which)) - np.repeat(np.cumsum(often) - often, often)
        return Events(self._order[self._starts[events.rows[which]] + among], events.readings.select(which))
