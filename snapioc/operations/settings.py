"""Settings: what clients set of a group and a restart keeps, as texts by group and name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from snapioc.model import StoreError

from .protocols import Store

_log = logging.getLogger(__name__)


PATIENCE = 0.5
"""Seconds that a change waits at most to be on disk: who sets something, ARM 0 above all, is not held up by the store."""


class Settings:
    """A change counts at once, and is on disk soon after, or as soon as the store can be written again.

    `failed` is called with what the store says when it does not take one. Use it within one event loop, and `close` it.
    """

    def __init__(self, store: Store, failed: Callable[[StoreError], Awaitable[None]]) -> None:
        self._store, self._failed = store, failed
        self._values: dict[tuple[str, str], str] = {}
        self._unkept: dict[tuple[str, str], str] = {}
        self._warned: set[str] = set()
        self._one_commit = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None
        self._told_unkept = False
        self.loaded = False
        self.watchers: list[Callable[[], None]] = []
        """Called once the settings of before the start are known."""

    def get(self, group: str, name: str, default: str = "") -> str:
        """A setting of a group, `default` if it was never set."""
        return self._values.get((group, name), default)

    def number(self, group: str, name: str, default: float) -> float:
        """A setting that is a number; `default` also if somebody has made something else of it in the store."""
        text = self.get(group, name, str(default))
        try:
            return float(text)
        except ValueError:
            if text not in self._warned:
                self._warned.add(text)
                _log.error("the setting %s of %s is %r, which is no number: %g counts", name, group, text, default)
            return default

    def change(self, group: str, name: str, value: str) -> None:
        """Set it: it counts from now on. Never fails: what the store does not take now, `keep` gives it later."""
        self._values[group, name] = self._unkept[group, name] = value
        self._begin_to_keep()

    async def kept(self) -> None:
        """Wait until what was changed is on disk, or the store has not taken it; PATIENCE seconds at most."""
        if self._keeping:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await asyncio.shield(self._keeping)

    async def commit(self, group: str, name: str, value: str) -> None:
        """Set what counts only once it is on disk. Raises StoreError, and what was set before stays."""
        async with self._one_commit:
            await self._store.keep_settings({(group, name): value})
            self._values[group, name] = value

    async def load(self) -> None:
        """Take over what was set before the start, but for what was set since. Raises StoreError."""
        if not self.loaded:
            self._values = {**await self._store.settings(), **self._values}
            self.loaded = True
            for watcher in self.watchers:
                watcher()

    async def keep(self) -> None:
        """Commit what is not yet on disk. Raises StoreError."""
        async with self._one_commit:  # else an older value could come after a newer one
            if not self._unkept:
                return
            changed = dict(self._unkept)
            await self._store.keep_settings(changed)
            for key, value in changed.items():
                if self._unkept.get(key) == value:
                    del self._unkept[key]
            self._told_unkept = False

    async def close(self) -> None:
        """Give the store what it has not taken yet, for PATIENCE seconds at most; the log tells what is lost."""
        if self._unkept:
            self._begin_to_keep()
        await self.kept()
        if self._keeping:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._unkept:
            _log.error("lost, for the store did not take it: %s", self._named())

    def _begin_to_keep(self) -> None:
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep_all())

    async def _keep_all(self) -> None:
        try:
            while self._unkept:
                await self.keep()
        except StoreError as fault:
            if not self._told_unkept:
                self._told_unkept = True
                _log.error("counts but is not on disk yet: %s: %s", self._named(), fault)
            await self._failed(fault)

    def _named(self) -> str:
        return ", ".join(f"{name} {value!r} of {group}" for (group, name), value in self._unkept.items())
