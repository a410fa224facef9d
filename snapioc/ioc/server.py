"""The caproto server with its traps cured: each name says which bug of caproto 1.3.0 it answers to.

Decided: monitors go straight from the PV to the queue of each client's circuit, see `circuit`. Start and end are our own,
because caproto's leave tasks and sockets behind and swallow the cancellation.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import caproto as ca
import caproto.asyncio.server as caproto_server
from caproto.asyncio.utils import _TaskHandler

from snapioc.model import SnapError

from .circuit import SnapCircuit
from .network import SearchResponder, search_addresses, send_beacons, tcp_socket, udp_socket
from .wire import padded

_log = logging.getLogger(__name__)


async def serve(
    pvdb: Mapping[str, Any], port: int | None, interfaces: Sequence[str] | None, serving: Callable[[], None] = lambda: None
) -> None:
    """Serve the PVs until cancelled; `port` is the one clients search on (default: EPICS_CA_SERVER_PORT).

    `interfaces` are local addresses (default: EPICS_CAS_INTF_ADDR_LIST, else all). `serving` is called when clients can
    connect. If the port is taken by another server, TCP moves to a random one, which the answers to searches name, as in any
    CA server. Raises SnapError if the port or an interface cannot be had.
    """
    await SnapContext(dict(pvdb), list(interfaces) if interfaces else None, port).serve(serving)


class StraightQueue:
    """Stands for caproto's queue between the PVs and the circuits; hands each update on before `put` returns.

    Bug: with a queue here, updates and completions of one put race, and a full circuit stops the whole server; writes
    without pause end it with "deque mutated during iteration".
    """

    def __init__(self, context: SnapContext) -> None:
        self._context = context

    async def put(self, update: Any) -> None:
        """Queue the update on the circuit of each subscriber."""
        await self._context._subscription_queue_iteration(*update)  # noqa: SLF001 - the method that caproto's loop calls


class SnapContext(caproto_server.Context):
    """The server."""

    CircuitClass = SnapCircuit

    def __init__(self, pvdb: dict[str, Any], interfaces: list[str] | None, port: int | None) -> None:
        super().__init__(pvdb, interfaces)
        self.subscription_queue = StraightQueue(self)
        self.put_tasks = _TaskHandler()
        if port is not None:
            self.ca_server_port = port

    async def serve(self, serving: Callable[[], None]) -> None:
        """Serve until cancelled.

        Bug: caproto's `run` returns as if all were well when it is cancelled, and leaves circuits and sockets open. It also
        ends the server for an exception in a startup hook; there are no hooks here.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._end_circuits)
            endpoints = [await self._listen(interface, stack) for interface in self.interfaces]
            _log.info("serving %d PVs on %s", len(self.pvdb), ", ".join(f"{host}:{port}" for host, port in endpoints))
            serving()
            async with asyncio.TaskGroup() as beacons:
                for host, port in endpoints:
                    beacons.create_task(send_beacons(host, port))

    async def _listen(self, interface: str, stack: AsyncExitStack) -> tuple[str, int]:
        """Open one interface; returns it with its TCP port."""
        try:
            self.port = await self._accept(interface, stack)
            for address in search_addresses(interface):
                await self._answer_searches(address, self.port, stack)
        except OSError as fault:
            raise SnapError(f"cannot serve on port {self.ca_server_port} of {interface}: {fault}") from fault
        return interface, self.port

    async def _accept(self, interface: str, stack: AsyncExitStack) -> int:
        tcp = tcp_socket(interface, self.ca_server_port)
        server = await asyncio.start_server(self._connected, sock=tcp)
        stack.callback(server.close)
        return int(tcp.getsockname()[1])

    async def _answer_searches(self, address: str, tcp_port: int, stack: AsyncExitStack) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: SearchResponder(self.knows, tcp_port), sock=udp_socket(address, self.ca_server_port)
        )
        stack.callback(transport.close)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Set up a client's connection as rsrv does.

        Bugs: caproto never notices a client whose host has gone, but the system's keepalive does; the completion of a put
        that posted monitors comes 40 ms late, because Nagle's algorithm holds it back.
        """
        own = writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = caproto_server._TransportWrapper(reader, writer)  # noqa: SLF001 - as in caproto's server_accept_loop
        self.server_tasks.create(self.tcp_handler(transport, transport.getpeername()))

    async def _end_circuits(self) -> None:
        for circuit in list(self.circuits):
            await circuit.tasks.cancel_all(wait=True)
            await circuit.end()
        await self.server_tasks.cancel_all(wait=True)
        await self.put_tasks.cancel_all(wait=True)

    def knows(self, name: str) -> bool:
        """Whether a channel of this name can be made."""
        try:
            self[name]
        except KeyError:
            return False
        return True

    def __getitem__(self, name: str) -> Any:
        """The PV or field that a channel of this name stands for. Raises KeyError.

        Bug: caproto adds the fields asked for to the database of PVs, and finds names with a filter that it cannot apply:
        their clients then wait for ever.
        """
        if name in self.pvdb:
            return self.pvdb[name]
        parsed = ca.parse_record_field(name)
        served = self.pvdb[parsed.record].get_field(parsed.field or "VAL")
        if parsed.modifiers:
            _check_modifiers(parsed.modifiers, served)
        return served

    async def _subscription_queue_send(self, sub_spec: Any, sub: Any, metadata: Any, values: Any, flags: int) -> None:
        """Queue an update for one subscriber, whose wishes must not harm the operation that posts.

        Bugs: a deadband on what is read as a text raises in caproto; a subscription to more elements than there are is
        answered with that count and too few bytes.
        """
        if not self._leaves_deadband(sub, first=not flags):
            return
        plain = sub._replace(channel_filter=sub.channel_filter._replace(dbnd=None))
        try:
            await super()._subscription_queue_send(sub_spec, plain, metadata, padded(values, sub.data_count), flags)
        except Exception:  # whatever a client's filter raises in caproto is that client's loss only
            _log.exception("no update of %s for %s:%d", sub.channel.name, *sub.circuit.circuit.address)

    def _leaves_deadband(self, sub: Any, *, first: bool) -> bool:
        """Whether the PV has left the deadband of a subscription, if it has one."""
        deadband, value = sub.channel_filter.dbnd, sub.db_entry.value
        if deadband is None:
            return True
        last = None if first else self.last_dead_band.get(sub)
        if last is not None and abs(value - last) <= deadband.d * (abs(last) if deadband.m == "rel" else 1):
            return False
        self.last_dead_band[sub] = value
        return True


def _check_modifiers(modifiers: Any, served: Any) -> None:
    """Raise KeyError for `$` on what is no text, and for filters that do not fit the PV."""
    one_text = served.data_type == ca.ChannelType.STRING and served.max_length == 1
    if ca.RecordModifiers.long_string in modifiers.modifiers and not one_text:
        raise KeyError("only a text can be read as characters")
    try:
        wanted = ca.parse_channel_filter(modifiers.filter_)
    except (ValueError, TypeError, AttributeError) as fault:
        # What caproto's parser raises depends on how far it got; the client wrote it.
        raise KeyError(str(fault)) from fault
    no_slice = wanted.arr and wanted.arr.i == 0
    one_number = served.data_type != ca.ChannelType.STRING and served.max_length == 1
    if wanted.sync or no_slice or (wanted.dbnd and not one_number):
        raise KeyError("a filter that the PV does not have")
