"""The CA thread: the one thread in which libca is called, with an event loop of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from snapioc.model import SnapError

T = TypeVar("T")

CONNECTION_TIMEOUT = "5"
"""Seconds after which libca gives up a silent circuit, and with it a call that is blocked by it (default: 30 s)."""


class CaThread:
    """Runs coroutines beside the main event loop, because libca may block for seconds on a hung IOC."""

    def __init__(self) -> None:
        os.environ.setdefault("EPICS_CA_CONN_TMO", CONNECTION_TIMEOUT)
        self._loop: asyncio.AbstractEventLoop | None = None
        # A daemon, so that a thread that is blocked in libca does not hold up the exit.
        self._thread = threading.Thread(target=self._serve, name="CA", daemon=True)
        self._ready = threading.Event()

    def start(self) -> None:
        """Start the thread; returns when it takes work."""
        self._thread.start()
        self._ready.wait()

    async def run(self, work: Coroutine[Any, Any, T], within: float) -> T:
        """Await `work` in the CA thread. Raises SnapError if there is no result within so many seconds."""
        if self._loop is None:
            work.close()
            raise SnapError("the CA thread is not running")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), within)
        except TimeoutError:
            raise SnapError(f"the CA client did not answer within {within:.1f} s: a hung IOC blocks libca") from None

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in the CA thread, soon."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function)

    async def close(self, within: float) -> None:
        """End the thread; one that is blocked in libca is left behind after so many seconds."""
        if self._loop is None:
            return
        loop, self._loop = self._loop, None
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(self._thread.join, within)

    def _serve(self) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        self._loop = loop
        loop.call_soon(self._ready.set)
        try:
            loop.run_forever()
            self._cancel_all(loop)
        finally:
            loop.close()

    @staticmethod
    def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
