"""The CA thread: the one thread in which libca is called, with an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from snapioc.model import SnapError

T = TypeVar("T")

DEFAULTS = {"EPICS_CA_CONN_TMO": "5", "EPICS_CA_MAX_SEARCH_PERIOD": "60"}
"""Seconds, see the package's docstring. libca reads them when its context is made."""

PULSE = 0.1
"""Seconds between two signs of life of the CA thread, and between two looks at it."""


class CaThread:
    """Runs coroutines beside the main event loop, because libca may block for seconds on a hung IOC."""

    def __init__(self) -> None:
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        self._loop: asyncio.AbstractEventLoop | None = None
        # A daemon, so that a thread that is blocked in libca does not hold up the exit.
        self._thread = threading.Thread(target=self._serve, name="CA", daemon=True)
        self._ready = threading.Event()
        self._alive = 0.0

    def start(self, first: Coroutine[Any, Any, None]) -> None:
        """Start the thread, and return when `first` is done in it; raises what that raises."""
        self._thread.start()
        self._ready.wait()
        asyncio.run_coroutine_threadsafe(first, self._running_loop()).result()

    async def run(self, work: Coroutine[Any, Any, T], patience: float, meanwhile: Callable[[], None] = lambda: None) -> T:
        """Await `work` in the CA thread, calling `meanwhile` here ten times a second.

        Raises SnapError if the CA thread gives no sign of life for `patience` seconds; `work` is cancelled then, and also
        if the caller is.
        """
        try:
            future = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._running_loop()))
        except BaseException:
            work.close()
            raise
        asked = time.monotonic()
        try:
            while not future.done():
                await asyncio.wait({future}, timeout=PULSE)
                meanwhile()
                if time.monotonic() - max(asked, self._alive) > patience:
                    raise SnapError(f"the CA client has not answered for {patience:.1f} s: a hung IOC blocks libca")
            return future.result()
        finally:
            future.cancel()

    def check(self, patience: float) -> None:
        """Raise SnapError if the CA thread has given no sign of life for `patience` seconds."""
        self._running_loop()
        if time.monotonic() - self._alive > patience:
            raise SnapError(f"the CA client has not answered for {patience:.1f} s: a hung IOC blocks libca")

    async def close(self, within: float) -> bool:
        """End the thread; False if it is blocked in libca, and therefore left behind after so many seconds."""
        if self._loop is not None:
            loop, self._loop = self._loop, None
            with contextlib.suppress(RuntimeError):  # it may just have ended by itself
                loop.call_soon_threadsafe(loop.stop)
        deadline = time.monotonic() + within
        while self._thread.is_alive() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return not self._thread.is_alive()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._loop.is_closed():
            raise SnapError("the CA thread is not running")
        return self._loop

    def _serve(self) -> None:
        with asyncio.Runner() as runner:  # at its end it cancels what is left
            self._loop = loop = runner.get_loop()
            self._pulse(loop)
            loop.call_soon(self._ready.set)
            loop.run_forever()

    def _pulse(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alive = time.monotonic()
        loop.call_later(PULSE, self._pulse, loop)
