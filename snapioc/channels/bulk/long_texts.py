"""Long texts: the whole of what a DBR_STRING may have cut off, read from `NAME.FIELD$`."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import NamedTuple

from epicscorelibs.ca import dbr

from snapioc.model import long_text_name

from ..get import Reply
from ..reader import LONG_TEXT_TIMEOUT
from .core import Core


class _Wait(NamedTuple):
    channel: int
    whole: int
    until: float


class LongTexts:
    """Reads whole texts for one reader, which is told once for each channel: a reply, or None if there is none."""

    def __init__(self, core: Core, told: Callable[[int, Reply | None], None]) -> None:
        # A late answer must not keep a read alive that has ended.
        self._core, self._told = core, weakref.WeakMethod(told)
        self._waits: list[_Wait] = []

    def read(self, channel: int) -> None:
        """Read the whole text of this channel; to wait for the other channel costs only once per connection."""
        table = self._core.table
        whole = table.number(long_text_name(table.names[channel]))
        patience = 0.0 if table.no_long_text[channel] else LONG_TEXT_TIMEOUT
        if not table.connected[whole]:
            table.no_long_text[channel] = True
        self._waits.append(_Wait(channel, whole, time.monotonic() + patience))

    def look(self) -> None:
        """Ask those that can be asked by now, and give up those that cannot."""
        self._waits = [wait for wait in self._waits if not self._settled(wait)]

    def _settled(self, wait: _Wait) -> bool:
        table = self._core.table
        if not table.connected[wait.whole]:
            if time.monotonic() < wait.until:
                return False
            self._tell(wait.channel, None)
        elif self._core.servers.is_hung(int(table.circuit[wait.whole])):
            self._tell(wait.channel, None)
        elif table.unanswered[wait.whole]:
            return False
        else:
            self._core.questions.ask(wait.whole, dbr.DBR_TIME_CHAR, lambda _, reply: self._tell(wait.channel, reply))
        return True

    def _tell(self, channel: int, reply: Reply | None) -> None:
        told = self._told()
        if told is not None:
            told(channel, reply)
