"""Monitors: libca's subscriptions, and the stream of what their callbacks say.

libca calls back in the circuits' own threads, one at a time, and reads no more from any server meanwhile: a callback that
takes long makes it tell servers to send less (its flow control), and those leave events out. So a callback does no more than
copy. Losses of channels go into the same stream, in the order in which libca tells of them.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from .. import eca
from ..reply_content import TIME
from .libca import DBE_ALARM, DBE_VALUE, EVENT, ffi, lib
from .questions import size_of
from .table import Table

HELD = 64 * 1024 * 1024
"""Bytes that the stream holds at most while the CA thread is held up."""

LOSS, OVERRUN, REFUSED = -1, -2, -3
"""In `Item.code`: the channel `token` has gone; events of `token` were left out, as the stream was full; libca does not take
the subscription.
"""


class Item(NamedTuple):
    """What was said of the subscription `token`: a DBR structure of type `code` (more than 0), or less than REFUSED: what
    the server says instead, libca's status with a minus.
    """

    token: int
    code: int
    elements: int
    data: bytes


_OVERHEAD = 200
"""Bytes of an item besides its data, about."""


class Monitors:
    """Makes and clears libca's subscriptions; `take` has what they say. All but the callbacks in the CA thread."""

    def __init__(self, table: Table) -> None:
        self._table, self._mine = table, table.circuits.mine
        self._stream: deque[Item] = deque()
        self._came = self._taken = 0
        self._overrun: set[int] = set()
        self._id = ffi.new("uintptr_t *")
        self._callback = ffi.callback(EVENT)(self._on_event)
        table.tell_loss = self._on_loss
        self.wanted = False
        """Whether anybody takes what comes."""

    def create(self, channel: int, token: int) -> int:
        """Subscribe to the values and alarms of a channel, in its type and whole length; libca's id, 0 if it refuses.

        libca keeps it, with this type, when the channel goes and comes back.
        """
        code, chid = TIME + int(self._table.dbr_type[channel]), int(self._table.chid[channel])
        status = lib.ca_create_subscription(code, 0, chid, DBE_VALUE | DBE_ALARM, self._callback, token, self._id)
        return int(self._id[0]) if status == eca.ECA_NORMAL else 0

    def take(self) -> list[Item]:
        """What was said since the last call."""
        overrun, self._overrun = self._overrun, set()
        items = [self._stream.popleft() for _ in range(len(self._stream))]
        self._taken += sum(len(item.data) for item in items) + _OVERHEAD * (len(items) - len(overrun))
        return items

    def _on_event(self, arguments: Any) -> None:
        token, status = arguments.usr, arguments.status
        if status == eca.ECA_DISCONN:
            return
        self._mine.beat.heard = True
        if self._came - self._taken > HELD:
            self._leave_out(token)
        elif status == eca.ECA_NORMAL:
            code, count = arguments.type, arguments.count
            size = size_of(code, count)
            self._stream.append(Item(token, code, count, ffi.buffer(arguments.dbr, size)[:]))
            self._came += size + _OVERHEAD
        else:
            self._stream.append(Item(token, -status, 0, b""))
            self._came += _OVERHEAD

    def _leave_out(self, token: int) -> None:
        if token not in self._overrun:
            self._overrun.add(token)
            self._stream.append(Item(token, OVERRUN, 0, b""))

    def _on_loss(self, channel: int) -> None:
        if self.wanted:
            self._stream.append(Item(channel, LOSS, 0, b""))
            self._came += _OVERHEAD
