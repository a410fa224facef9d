"""Table: what is known of every channel of the engine, in columns; written in the CA thread only.

Decided: libca's callbacks come in threads of its own and do no more than append to a deque; `take_in` moves what is there
into the columns, thousands at a time. So no column needs a lock, and a callback costs some two microseconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DbrType, SnapError

from .. import eca
from .circuits import Circuits
from .libca import ACCESS, CONNECTION, OP_CONN_UP, READ_ACCESS, WRITE_ACCESS, ffi, lib
from .slots import CAPACITY

ORPHAN = -1
"""In `Table.owner`: the answer is not waited for any more."""

_COLUMNS: dict[str, Any] = {
    "chid": np.uint64,
    "connected": bool,
    "ever_connected": bool,
    "access": np.uint8,
    "dbr_type": np.uint8,
    "element_count": np.int64,
    "circuit": np.int32,
    "losses": np.int32,
    "unanswered": np.uint8,
    "owner": np.int32,
    "described": np.uint8,
    "variable": bool,
    "metadata": np.int32,
    "fingerprint": np.uint64,
    "watched": np.uint8,
    "monitor": np.uint64,
    "no_long_text": bool,
}


class Table:
    """Channels by number, in the order in which they were made.

    `circuit` tells which channels share a TCP connection, `losses` counts disconnections: an answer belongs to a
    question if both were seen at the same count. `unanswered` is how many questions libca has not answered; a
    disconnection answers them all, for libca forgets them then. `owner` is the reader that waits for the slot's answer:
    0 for none, ORPHAN if it no longer waits. `fingerprint` is that of the raw metadata (0: not known), see `refresh`.
    """

    chid: NDArray[np.uint64]
    connected: NDArray[np.bool_]
    ever_connected: NDArray[np.bool_]
    access: NDArray[np.uint8]
    dbr_type: NDArray[np.uint8]
    element_count: NDArray[np.int64]
    circuit: NDArray[np.int32]
    losses: NDArray[np.int32]
    unanswered: NDArray[np.uint8]
    owner: NDArray[np.int32]
    described: NDArray[np.uint8]
    variable: NDArray[np.bool_]
    metadata: NDArray[np.int32]
    fingerprint: NDArray[np.uint64]
    watched: NDArray[np.uint8]
    monitor: NDArray[np.uint64]
    no_long_text: NDArray[np.bool_]

    def __init__(self) -> None:
        self.names: list[str] = []
        self.numbers: dict[str, int] = {}
        self.circuits = Circuits()
        self.changes = 0
        """Grows whenever a channel connects, goes, or has other rights, or a server hangs or no longer does."""
        self.tell_loss: Callable[[int], None] = _tell_nobody
        """Told in a thread of libca, in the order of its other callbacks, that a channel has gone."""
        self._events: deque[tuple[int, int, int, int, int, int]] = deque()
        self._fresh: list[NDArray[np.int64]] = []
        for name, dtype in _COLUMNS.items():
            setattr(self, name, np.zeros(1024, dtype))
        self._callbacks = (ffi.callback(CONNECTION)(self._on_connection), ffi.callback(ACCESS)(self._on_access))
        self._chid = ffi.new("uintptr_t *")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def readable(self) -> NDArray[np.bool_]:
        """True where the server grants reading."""
        return (self.access & READ_ACCESS) != 0

    @property
    def writable(self) -> NDArray[np.bool_]:
        """True where the server grants writing."""
        return (self.access & WRITE_ACCESS) != 0

    def number(self, name: str) -> int:
        """The number of the channel of this name; it is made if there is none, and searched after the next flush."""
        known = self.numbers.get(name)
        return self._make(name) if known is None else known

    def take_in(self) -> None:
        """Take note of what libca has said of connections and access rights."""
        if self._events:
            events = np.array([self._events.popleft() for _ in range(len(self._events))], np.int64)
            # Of several events of one channel numpy keeps the last.
            self.access[events[:, 0]] = events[:, 2]
            self.changes += len(events)
            self._take_links(events[events[:, 1] != _RIGHTS])

    def take_fresh(self) -> list[NDArray[np.int64]]:
        """The channels that have connected since the last call."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def ours(self, channel: int, chid: int) -> bool:
        """True if the channel of this number is the one that libca calls so."""
        return channel < len(self.names) and int(self.chid[channel]) == chid

    def clear(self, start: int, stop: int) -> None:
        """Close the channels of these numbers for good."""
        for chid in filter(None, self.chid[start : min(stop, len(self))].tolist()):
            lib.ca_clear_channel(chid)

    def _make(self, name: str) -> int:
        number = len(self.names)
        if number >= CAPACITY:
            raise SnapError(f"there are {CAPACITY} channels already: no room for {name}")
        if number == len(self.chid):
            for attribute in _COLUMNS:
                column = getattr(self, attribute)
                setattr(self, attribute, np.concatenate([column, np.zeros_like(column)]))
        self.metadata[number] = -1
        on_connection, on_access = self._callbacks
        self.numbers[name] = number
        self.names.append(name)
        # A name that libca does not take stays a channel that never connects.
        if lib.ca_create_channel(name.encode(), on_connection, number, 0, self._chid) == eca.ECA_NORMAL:
            self.chid[number] = self._chid[0]
            lib.ca_replace_access_rights_event(self._chid[0], on_access)
        return number

    def _take_links(self, links: NDArray[np.int64]) -> None:
        channels, up = links[:, 0], links[:, 1] == _UP
        down = channels[~up]
        np.add.at(self.losses, down, 1)
        self.unanswered[down] = 0
        self.owner[down] = 0
        self.no_long_text[down] = False
        self.connected[channels] = up
        self.described[channels] = 0
        self.fingerprint[channels] = 0
        new = links[up]
        self._fresh.append(new[:, 0])
        self.ever_connected[new[:, 0]] = True
        self.dbr_type[new[:, 0]], self.element_count[new[:, 0]] = new[:, 3], new[:, 4]
        in_use = self.circuit[: len(self)][self.ever_connected[: len(self)]]
        self.circuit[new[:, 0]] = self.circuits.numbers(new[:, 5], in_use)

    def _on_connection(self, arguments: Any) -> None:
        channel = lib.ca_puser(arguments.channel)
        dbr_type = lib.ca_field_type(arguments.channel) if arguments.op == OP_CONN_UP else -1
        if dbr_type not in _TYPES:
            self._events.append((channel, _DOWN, 0, 0, 0, 0))
            self.tell_loss(channel)
            return
        access = lib.ca_read_access(arguments.channel) + 2 * lib.ca_write_access(arguments.channel)
        count = lib.ca_element_count(arguments.channel)
        # A circuit is known by its receiving thread, which makes this call: its host name may change when it is resolved.
        beat = self.circuits.mine.beat
        beat.heard = True
        self._events.append((channel, _UP, access, dbr_type, count, beat.key))

    def _on_access(self, arguments: Any) -> None:
        self._events.append((lib.ca_puser(arguments.channel), _RIGHTS, arguments.access, 0, 0, 0))


def _tell_nobody(channel: int) -> None:
    """Nobody wants to know."""


_DOWN, _UP, _RIGHTS = range(3)
_TYPES = frozenset(int(dbr_type) for dbr_type in DbrType)
