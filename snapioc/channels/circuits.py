"""Circuits: one Circuit per server, and the flush that sends what was asked on any of them."""

from __future__ import annotations

import asyncio
from typing import Any

from epicscorelibs.ca import cadef

from .circuit import Circuit


class Circuits:
    """The circuits of an engine; libca has one per server, whichever channel is on it."""

    def __init__(self) -> None:
        self._by_host: dict[str, Circuit] = {}
        self._flush_due = False

    def of(self, channel: Any) -> Circuit:
        """The circuit that the channel is on now."""
        host: str = cadef.ca_host_name(channel)
        circuit = self._by_host.get(host)
        if circuit is None:
            circuit = self._by_host[host] = Circuit(host)
        return circuit

    def flush_soon(self) -> None:
        """Send what is asked in this turn of the loop: a flush per request would cost more than the request."""
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        cadef.ca_flush_io()
