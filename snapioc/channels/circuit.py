"""Circuit: how much is on its way to one server, so that libca is never asked to send more than it can without blocking."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .breaker import Breaker

ROOM = 192 * 1024
"""Bytes of unanswered requests after which no more is sent. A call of libca blocks when, before it, more than 256 kB are
waiting to be sent on its circuit (comQueSend::flushBlockThreshold); all that waits there is unanswered."""

HEADER = 24
"""Bytes of a request besides its value (caProto.h)."""


class Circuit:
    """Counts the bytes of unanswered requests to one server, and knows when it was heard last."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.breaker = Breaker()
        self.asking = False
        """Whether it was asked only to see whether it answers."""
        self.questions = 0
        """Reads that are not answered."""
        self.held = 0
        """For how many looks it has held its connection without any channel being connected."""
        self.heard_at = time.monotonic()
        self._heard = True
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def owing(self) -> bool:
        """Whether the server owes the answer to a question; that of a put may take as long as its record does."""
        return self.asking or self.questions > 0

    @property
    def full(self) -> bool:
        """Whether nothing more can be sent now."""
        return self._in_flight >= ROOM

    def heard(self, really: bool = True) -> None:
        """The server has said something, unless it was libca who said it."""
        if really:
            self._heard, self.heard_at = True, time.monotonic()

    def take_heard(self) -> bool:
        """Whether anything was heard since the last call."""
        heard, self._heard = self._heard, False
        return heard

    async def enter(self, size: int) -> None:
        """Wait until there is room, then take `size` bytes of it; a single large request may take more than there is."""
        while self._in_flight >= ROOM:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._next()  # the turn may have been this one's
                raise
        self._in_flight += size
        self._next()

    def leave(self, size: int) -> None:
        """Give the room of a request back: it was answered, or its connection is gone."""
        self._in_flight -= size
        self._next()

    @asynccontextmanager
    async def room(self, size: int) -> AsyncIterator[None]:
        """Room for a request for as long as it is unanswered."""
        await self.enter(size)
        try:
            yield
        finally:
            self.leave(size)

    def _next(self) -> None:
        """Let the next one that waits look whether there is room for it; it lets in the one behind it."""
        while self._waiting and self._in_flight < ROOM:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
