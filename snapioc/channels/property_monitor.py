"""PropertyMonitor: says when the metadata of a channel may have changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import aioca

_log = logging.getLogger(__name__)


class PropertyMonitor(aioca.Subscription):
    """A subscription to DBE_PROPERTY of one PV, whose values do not matter: it costs nothing while nothing changes.

    `changed` is called when units, labels or limits have changed, `lost` when the channel disconnects or the server ends the
    subscription, for want of read access for example; after that the monitor may have to be renewed.
    """

    __slots__ = ("_changed", "_first", "_lost")

    def __init__(self, pv: str, changed: Callable[[], None], lost: Callable[[], None]) -> None:
        self._changed, self._lost, self._first = changed, lost, True
        super().__init__(
            pv,
            self._on_event,
            events=aioca.DBE_PROPERTY,
            datatype=None,
            format=aioca.FORMAT_RAW,
            count=1,
            all_updates=True,
            notify_disconnect=True,
            connect_timeout=None,
        )

    @property
    def ended(self) -> bool:
        """True if there will be no more events."""
        return bool(self.state == self.CLOSED)

    def close(self, exc_info: Any = None) -> None:
        """End the monitor. aioca calls this with an exception, and prints it, when the server refuses: that is no news."""
        super().close()
        if exc_info:
            _log.debug("no property monitor of %s: %s", self.name, exc_info[1])
            self._lost()

    def _on_event(self, value: Any) -> None:
        if not value.ok:
            self._first = True
            self._lost()
        elif self._first:  # a server sends one when the subscription is made: no change
            self._first = False
        else:
            self._changed()
