"""Who of the machine is there: the counts and names of PVs, and a line per server."""

from __future__ import annotations

import asyncio
import time

from snapioc.model import HostState, Severity, SnapError
from snapioc.operations import Plant

from .consoles import MainPvs
from .every import every
from .kinds import LongPv, TextPv
from .snap_pv import SnapGroup
from .texts import lines
from .wire import INT32

PERIOD = 0.5
"""Seconds between two questions whether any channel has come or gone."""

SERVERS_PERIOD = 1.0
"""Seconds between two questions whether there is news of a server."""

SECONDS_PERIOD = 10.0
"""Seconds after which the servers are shown anew though only the time of their silence has changed."""

LONG_SILENCE = 2.0
"""Seconds of silence from which on they are shown anew each time."""


class ServerPvs(SnapGroup):
    """The servers of the machine, which only the main console shows."""

    iocs = TextPv.pv("IOCS", "Host, PVs, connected, s since last heard")
    iocs_hung = LongPv.pv("IOCS_HUNG", "Servers that hang", limits=(0, INT32[1]))


class ConnectionsView:
    """Shows the connections of all PVs. What cannot be found out, because libca is blocked, stays as it was."""

    def __init__(self, plant: Plant, pvs: MainPvs, servers: ServerPvs) -> None:
        self._channels, self._pvs, self._servers = plant.channels, pvs, servers
        self._names = tuple(dict.fromkeys(pv for settings in plant.sets.values() for pv in settings.pv_set.pvs))
        self._seen: int | None = None
        self._servers_seen: int | None = None
        self._servers_due = 0.0

    async def start(self) -> None:
        """Show everything as it is when the server starts."""
        await self._pvs.pvs_total.post(len(self._names))
        await self.look()
        await self.look_at_servers()

    async def run(self) -> None:
        """Keep them true for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(every(PERIOD, self.look))
            tasks.create_task(every(SERVERS_PERIOD, self.look_at_servers))

    async def look(self) -> None:
        """Show which PVs are there, if any has come or gone since it was last shown."""
        try:
            changes = await self._channels.connection_changes()
            if changes == self._seen:
                return
            missing = await self._channels.disconnected(self._names)
        except SnapError:
            return
        self._seen = changes  # as it was before: what happened meanwhile is looked at again
        await self._pvs.disconnected.post(lines(missing, "snapioc check"))
        await self._pvs.pvs_connected.post(len(self._names) - len(missing))
        await self._pvs.pvs_disconnected.post(len(missing))

    async def look_at_servers(self) -> None:
        """Show the servers, if there is news of any or one is in trouble, or else from time to time for the seconds."""
        now = time.monotonic()
        try:
            changes = await self._channels.connection_changes()
            if changes == self._servers_seen and now < self._servers_due:
                return
            hosts = sorted(await self._channels.hosts(self._names), key=_by_trouble)
        except SnapError:
            return
        self._servers_seen = changes
        self._servers_due = now if any(map(_in_trouble, hosts)) else now + SECONDS_PERIOD
        hung = sum(host.hung for host in hosts)
        await self._servers.iocs.post(lines([_line(host) for host in hosts], "snapioc check"))
        await self._servers.iocs_hung.post(hung, Severity.MAJOR if hung else Severity.NO_ALARM)


def _in_trouble(host: HostState) -> bool:
    # That a server lost its channels is seen before it has been silent for long.
    return host.hung or host.connected < host.pvs or host.silent > LONG_SILENCE


def _by_trouble(host: HostState) -> tuple[bool, int, str]:
    return not host.hung, host.connected - host.pvs, host.host


def _line(host: HostState) -> str:
    fields = [host.host, str(host.pvs), str(host.connected), f"{host.silent:.0f}"]
    return "\t".join([*fields, "hung"] if host.hung else fields)
