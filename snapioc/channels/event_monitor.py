"""EventMonitor: every change of one PV on aioca's channels, as libca brings it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import aioca

from . import eca
from .get import Reply, size_of


class EventMonitor(aioca.Subscription):
    """A subscription to values and alarms, in the type that the channel has when it connects first, bit for bit.

    `told` is called in the CA thread's loop with each reply; a Reply that is not ok says that the channel has gone
    (ECA_DISCONN), or that the server does not let it be read: then there will be no more.
    """

    __slots__ = ("_told",)

    def __init__(self, pv: str, told: Callable[[Reply], None]) -> None:
        self._told = told
        super().__init__(
            pv,
            self._on_value,
            events=aioca.DBE_VALUE | aioca.DBE_ALARM,
            datatype=None,
            format=aioca.FORMAT_TIME,
            count=0,
            all_updates=True,
            notify_disconnect=True,
            connect_timeout=None,
        )

    @property
    def dbr_to_value(self) -> Callable[[Any, int, int], Reply]:
        """What aioca calls to understand a DBR structure: its own conversion loses bits."""
        return _reply

    @dbr_to_value.setter
    def dbr_to_value(self, conversion: object) -> None:
        """aioca's conversion is not wanted."""

    def close(self, exc_info: Any = None) -> None:
        """End the monitor. aioca calls this with an exception, and prints it, when the server refuses: that is an event."""
        super().close()
        if exc_info:
            self._told(Reply(eca.ECA_NORDACCESS))

    def _on_value(self, value: Any) -> None:
        self._told(value if isinstance(value, Reply) else Reply(eca.ECA_DISCONN))


def _reply(raw_dbr: Any, code: int, count: int) -> Reply:
    return Reply(eca.ECA_NORMAL, code, count, ctypes.string_at(raw_dbr, size_of(code, count)))
