"""The queue of monitor updates to one client, with the barriers by which a put learns that they have gone out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

MAX_QUEUED = 10_000
"""Monitor updates that may wait for one client before they are all dropped."""


class UpdateQueue:
    """Monitor updates on their way to one client, in order, with barriers among them.

    Bug: `asyncio.Queue.put` waits when the queue is full, where caproto expects QueueFull: one frozen client stops the
    monitors of all, for good. This queue raises it, and has the `clear` that caproto then calls.
    """

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._filled = asyncio.Event()
        self._closed = False
        self.lost = False
        """True after updates were dropped, until the client has been sent what is true now."""

    async def put(self, reference: Any) -> None:
        """Queue a weak reference to an update. Raises asyncio.QueueFull."""
        if len(self._items) >= MAX_QUEUED:
            raise asyncio.QueueFull
        self._items.append(reference)
        self._filled.set()

    async def take(self) -> list[Any]:
        """All that is queued, as soon as there is something."""
        await self._filled.wait()
        taken = list(self._items)
        self._items.clear()
        self._filled.clear()
        return taken

    async def flushed(self) -> None:
        """Return when everything queued before has been sent, dropped, or the circuit is gone."""
        if not self._closed:
            barrier = asyncio.get_running_loop().create_future()
            self._items.append(barrier)
            self._filled.set()
            await barrier

    def clear(self) -> None:
        """Drop everything that is queued, because the client does not take it."""
        self.lost = True
        self._empty()

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        self._empty()

    def _empty(self) -> None:
        release(self._items)
        self._items.clear()
        self._filled.clear()


def release(items: Iterable[Any]) -> None:
    """Let those go on who wait at a barrier among the items."""
    for item in items:
        if isinstance(item, asyncio.Future) and not item.done():
            item.set_result(None)
