"""Server: what is known of the server on one circuit."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from snapioc.model import HostState

from ..breaker import Breaker
from .circuits import Beat
from .libca import ffi, lib
from .table import Table

NO_HOST = b"<disconnected>"
"""What libca calls the host of a channel that has no circuit."""


@dataclass(slots=True, eq=False)
class Server:
    """One circuit's; `beat` tells it from another that has its number later."""

    beat: Beat
    breaker: Breaker = field(default_factory=Breaker)
    name: str = ""
    connected: int = 0
    channel: int = 0
    """One of its channels: connected, as long as any is."""
    witness: int | None = None
    """A connected one that can be read."""
    held: int = 0
    """For how many looks it has held its connection without any channel being connected; -1: it has none."""
    asking: bool = False
    """Whether it was asked only to see whether it answers."""
    heard_at: float = field(default_factory=time.monotonic)

    def ask_name(self, table: Table) -> None:
        """It may change once: it is an address until it is resolved."""
        name = host_of(table, self.channel) if self.connected else NO_HOST
        self.name = self.name if name == NO_HOST else name.decode(errors="replace")


def host_of(table: Table, channel: int) -> bytes:
    """Where a channel is; also one that libca calls disconnected, as long as its circuit holds."""
    name = ffi.new("char[]", 512)
    lib.ca_get_host_name(int(table.chid[channel]), name, len(name))
    host: bytes = ffi.string(name)
    return host


def merged(one: HostState | None, other: HostState) -> HostState:
    """A server may have had another circuit before it was restarted."""
    if one is None:
        return other
    return replace(
        one,
        pvs=one.pvs + other.pvs,
        connected=one.connected + other.connected,
        silent=min(one.silent, other.silent),
        hung=one.hung or other.hung,
    )
