"""Questions: get-callbacks for what a slot cannot hold, and the subscriptions to property changes."""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
from epicscorelibs.ca import dbr
from numpy.typing import NDArray

from snapioc.model import MAX_STRING

from .. import eca
from ..get import Reply
from ..reply_content import TIME
from .libca import DBE_PROPERTY, DBR_CLASS_NAME, EVENT, ffi, lib
from .table import Table

Answered = Callable[[int, Reply], None]
"""Called in the CA thread with the channel's number and the reply."""

Several = Callable[[list[tuple[int, Reply]]], None]
"""Called in the CA thread with rows and their replies."""

_ROW_BITS = 32
_ROW_MASK = (1 << _ROW_BITS) - 1


class Questions:
    """Asks channels, each question with a token of its own, so that a late reply finds nobody rather than somebody else."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._mine = table.circuits.mine
        self._replies: deque[tuple[int, int, int, int, bytes]] = deque()
        self._events: deque[tuple[int, int, int, bytes]] = deque()
        self._tokens = itertools.count(1)
        self._batches = itertools.count(1)
        self._several: dict[int, Several] = {}
        self._asked: dict[int, tuple[int, int, Answered, bool]] = {}
        self._monitor = ffi.new("uintptr_t *")
        self._callbacks = (ffi.callback(EVENT)(self._on_reply), ffi.callback(EVENT)(self._on_event))

    def ask(self, channel: int, code: int, answered: Answered, count: int = 0) -> None:
        """Ask for `count` elements, 0 for all there are; `answered` is told at once if libca does not take the question."""
        status = self._ask(channel, code, answered, count)
        if status == eca.ECA_NORMAL:
            self._table.unanswered[channel] += 1
        else:
            answered(channel, Reply(status))

    def batch(self, answered: Several) -> int:
        """A number under which `ask_all` asks, until `end` of it."""
        batch = next(self._batches)
        self._several[batch] = answered
        return batch

    def ask_all(
        self, batch: int, rows: NDArray[np.intp], codes: list[int], counts: list[int], chids: list[int]
    ) -> list[int]:
        """Ask channels for so many elements, 0: all; returns libca's statuses. The caller keeps count of `unanswered`."""
        tokens, on_reply = (rows + (batch << _ROW_BITS)).tolist(), self._callbacks[0]
        return list(map(lib.ca_array_get_callback, codes, counts, chids, [on_reply] * len(codes), tokens))

    def end(self, batch: int) -> None:
        """All questions of a batch have been answered."""
        del self._several[batch]

    def prove(self, channel: int, answered: Answered) -> None:
        """Have an answer that the server gives after all that was sent before; the channel may be busy with a question."""
        status = self._ask(channel, TIME + int(self._table.dbr_type[channel]), answered, 1, counts=False)
        if status != eca.ECA_NORMAL:
            answered(channel, Reply(status))

    def put(self, channel: int, code: int, count: int, address: int, answered: Answered) -> int:
        """Put, and have an answer when the record is done; a status that is not ECA_NORMAL if libca does not take it."""
        token = self._token(channel, answered, counts=False)
        chid = int(self._table.chid[channel])
        status: int = lib.ca_array_put_callback(code, count, chid, address, self._callbacks[0], token)
        if status != eca.ECA_NORMAL:
            del self._asked[token]
        return status

    def watch(self, channel: int, code: int) -> None:
        """Have a DBR_CTRL structure whenever it changes, also after reconnection, instead of any other; see `changes`."""
        table = self._table
        if table.watched[channel]:
            lib.ca_clear_subscription(int(table.monitor[channel]))
        on_event, chid = self._callbacks[1], int(table.chid[channel])
        status = lib.ca_create_subscription(code, 1, chid, DBE_PROPERTY, on_event, channel, self._monitor)
        table.watched[channel] = code if status == eca.ECA_NORMAL else 0
        table.monitor[channel] = self._monitor[0]

    def take_in(self) -> None:
        """Hand out what has been answered."""
        several: dict[int, list[tuple[int, Reply]]] = defaultdict(list)
        for _ in range(len(self._replies)):
            token, status, code, count, data = self._replies.popleft()
            if token >> _ROW_BITS:
                row = token & _ROW_MASK
                several[token >> _ROW_BITS].append((row, Reply(status, code, count, data)))
                continue
            channel, losses, answered, counts = self._asked.pop(token)
            reply = Reply(status, code, count, data)
            if self._table.losses[channel] != losses:  # of a connection that is gone: the type may be another by now
                reply = Reply(eca.ECA_DISCONN)
            elif counts:
                self._table.unanswered[channel] -= 1
            answered(channel, reply)
        for batch, replies in several.items():
            self._several[batch](replies)

    def changes(self) -> list[tuple[int, Reply]]:
        """What the subscriptions have said since the last call."""
        events = [self._events.popleft() for _ in range(len(self._events))]
        return [(channel, Reply(eca.ECA_NORMAL, code, count, data)) for channel, code, count, data in events]

    def _ask(self, channel: int, code: int, answered: Answered, count: int, *, counts: bool = True) -> int:
        token = self._token(channel, answered, counts=counts)
        chid = int(self._table.chid[channel])
        status: int = lib.ca_array_get_callback(code, count, chid, self._callbacks[0], token)
        if status != eca.ECA_NORMAL:
            del self._asked[token]
        return status

    def _token(self, channel: int, answered: Answered, *, counts: bool) -> int:
        token = next(self._tokens)
        self._asked[token] = (channel, int(self._table.losses[channel]), answered, counts)
        return token

    def _on_reply(self, arguments: Any) -> None:
        code, count = arguments.type, arguments.count
        if arguments.status != eca.ECA_DISCONN:
            self._mine.beat.heard = True
        data = b""
        if arguments.status == eca.ECA_NORMAL and arguments.dbr:  # a put has an answer without data
            data = ffi.buffer(arguments.dbr, size_of(code, count))[:]
        self._replies.append((arguments.usr, arguments.status, code, count, data))

    def _on_event(self, arguments: Any) -> None:
        if arguments.status == eca.ECA_NORMAL:
            self._mine.beat.heard = True
            code, count = arguments.type, arguments.count
            self._events.append((arguments.usr, code, count, ffi.buffer(arguments.dbr, size_of(code, count))[:]))


def size_of(code: int, count: int) -> int:
    """Bytes of a DBR structure."""
    offset, size = _SIZES.get(code, (0, 0))
    return offset + size * count


_SIZES = {code: (kind.raw_value.offset, kind.raw_value.size) for code, kind in dbr.DbrCodeToType.items()}
_SIZES[DBR_CLASS_NAME] = (0, MAX_STRING)
