"""WaitingLane: a lane whose puts have put-callbacks."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Protocol

from .. import eca
from ..get import Reply
from .core import Core
from .lane import Lane, Rows
from .messages import Messages
from .questions import Answered

Busy = dict[int, int]
"""Channels whose put-callback is owed, each with the `losses` of its connection at that time."""


class Waiting(Protocol):
    """Who waits for the put-callbacks of rows."""

    def wanted(self, row: int) -> bool:
        """False if the row's time is over: it must not be sent any more."""

    def sent(self, rows: Rows, statuses: list[int]) -> None:
        """Libca has taken these rows, or says why not."""

    def answered(self, row: int, reply: Reply) -> None:
        """The row's put-callback came."""


class WaitingLane(Lane):
    """Sends the rows that are wanted; whoever waits for them is told of the answers as long as it lives."""

    def __init__(self, core: Core, messages: Messages, channels: Rows, rows: Rows, waiting: Waiting, busy: Busy) -> None:
        super().__init__(core, messages, channels, rows, waiting.sent, _ignore)
        self._wanted, self._answered, self._busy = waiting.wanted, weakref.WeakMethod(waiting.answered), busy

    def _send(self, rows: Rows) -> list[int]:
        return [self._send_one(row, None) for row in rows.tolist()]

    def _send_large(self, row: int, proved: Answered) -> int:
        return self._send_one(row, proved)

    def _send_one(self, row: int, proved: Answered | None) -> int:
        if not self._wanted(row):
            return eca.ECA_TIMEOUT
        channel = int(self._channels[row])
        self._busy[channel] = int(self._core.table.losses[channel])
        status = self._put_callback(row, _listener(self._busy, row, self._answered, proved))
        if status != eca.ECA_NORMAL:
            del self._busy[channel]
        return status


def _listener(
    busy: Busy, row: int, told: Callable[[], Callable[[int, Reply], None] | None], proved: Answered | None
) -> Answered:
    def answered(channel: int, reply: Reply) -> None:
        busy.pop(channel, None)
        if proved is not None:
            proved(channel, reply)
        waiting = told()
        if waiting is not None:
            waiting(row, reply)

    return answered


def _ignore(rows: Rows, alive: bool) -> None:
    """Each row has an answer of its own."""
