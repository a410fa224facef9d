"""Link: what the aioca engine remembers of one PV between reads."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import aioca

from snapioc.model import LIMITS, DbrType, Metadata


class Link:
    """One PV: its metadata, kept by a monitor of DBE_PROPERTY, and its unanswered requests.

    The monitor costs nothing while nothing changes; it sends the metadata at once, after each reconnect, and when labels
    or limits change. A request that a hung IOC has not answered stays here, because libca blocks when it is asked again.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.metadata: Metadata | None = None
        self.no_long_text = False
        self._native: int | None = None
        self._monitor: aioca.Subscription | None = None
        self._reading: asyncio.Task[Any] | None = None
        self._writing: asyncio.Task[Any] | None = None

    def watch(self) -> None:
        """Begin to follow the metadata."""
        if self._monitor is None:
            self._monitor = aioca.camonitor(
                self.name,
                self._on_property,
                events=aioca.DBE_PROPERTY,
                format=aioca.FORMAT_CTRL,
                count=1,
                notify_disconnect=True,
            )

    def native_type(self, native: int) -> DbrType:
        """Take note of the type that the channel has now; the monitor of a channel that changed its type is renewed."""
        if self._native not in (None, native) and self._monitor is not None:
            self._monitor.close()
            self._monitor = self.metadata = None
            self.watch()
        self._native = native
        return DbrType(native)

    async def ask(self, request: Coroutine[Any, Any, Any]) -> Any:
        """Await a read, once the last one was answered."""
        try:
            while self._reading:
                await asyncio.wait({self._reading})
        except asyncio.CancelledError:
            request.close()
            raise
        self._reading = _kept(request)
        self._reading.add_done_callback(self._answered)
        return await asyncio.shield(self._reading)

    @property
    def write_unanswered(self) -> bool:
        """True while a server has not said what became of the last put."""
        return self._writing is not None

    async def put(self, request: Coroutine[Any, Any, Any]) -> Any:
        """Await a put; cancelled, it still counts as unanswered until the server answers."""
        self._writing = _kept(request)
        self._writing.add_done_callback(self._written)
        return await asyncio.shield(self._writing)

    def close(self) -> None:
        """Stop following the metadata."""
        if self._monitor is not None:
            self._monitor.close()

    def learn(self, value: Any) -> None:
        """Take the metadata of a value that was read with DBR_CTRL."""
        self.metadata = Metadata(
            units=getattr(value, "units", ""),
            precision=getattr(value, "precision", 0),
            labels=tuple(getattr(value, "enums", ())),
            limits=tuple(float(getattr(value, name)) for name in LIMITS) if hasattr(value, "units") else (),
            element_count=value.element_count,
        )

    def _on_property(self, value: Any) -> None:
        if value.ok:
            self.learn(value)
        else:
            self.metadata, self.no_long_text = None, False

    def _answered(self, task: asyncio.Task[Any]) -> None:
        self._reading = None

    def _written(self, task: asyncio.Task[Any]) -> None:
        self._writing = None


def _kept(request: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """A task whose exception may be left unread, when whoever asked has given up."""
    task = asyncio.ensure_future(request)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
