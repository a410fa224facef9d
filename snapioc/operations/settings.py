"""Settings: what clients set of a group and a restart keeps, as texts by group and name."""

from __future__ import annotations

import logging
from collections.abc import Callable

from snapioc.model import StoreError

from .protocols import Store

_log = logging.getLogger(__name__)


class Settings:
    """A change counts at once; it is on disk when `put` returns, or as soon as the store can be written again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._values: dict[tuple[str, str], str] = {}
        self._unkept: dict[tuple[str, str], str] = {}
        self._warned: set[str] = set()
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

    async def put(self, group: str, name: str, value: str) -> None:
        """Set it. Never fails: what the store does not take now, `keep` gives it later."""
        self._values[group, name] = self._unkept[group, name] = value
        try:
            await self.keep()
        except StoreError:
            return  # watch_store finds out by itself, shows it as STORE_OK, and calls `keep` until it succeeds

    async def load(self) -> None:
        """Take over what was set before the start, but for what was set since. Raises StoreError."""
        if not self.loaded:
            self._values = {**await self._store.settings(), **self._values}
            self.loaded = True
            for watcher in self.watchers:
                watcher()

    async def keep(self) -> None:
        """Commit what is not yet on disk. Raises StoreError."""
        if not self._unkept:
            return
        changed = dict(self._unkept)
        await self._store.keep_settings(changed)
        for key, value in changed.items():
            if self._unkept.get(key) == value:
                del self._unkept[key]
