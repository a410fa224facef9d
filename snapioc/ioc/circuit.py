"""One client's connection, with the traps of caproto 1.3.0 cured: each name says which bug it answers to.

Decided: monitors go straight from the PV to the queue of each client's circuit, and each circuit sends what is queued as
soon as it can. A barrier in that queue tells when all that was posted before has gone out; a put completes after it.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import caproto as ca
import caproto.asyncio.server as caproto_server
from caproto.server.common import DisconnectedCircuit

from snapioc.model import Origin

from .updates import UpdateQueue, release

MAX_PUT = 65_536
"""Elements that a put may have: far more than any of our PVs takes."""

MAX_PUT_STRINGS = 256
"""Strings that a put may have: caproto's time to take them apart grows with the square of their number."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Put:
    """A client's write request: over which circuit it came, and whether the client waits for its completion."""

    circuit: SnapCircuit
    command: Any

    @property
    def waits(self) -> bool:
        """True for a put with callback."""
        return isinstance(self.command, ca.WriteNotifyRequest)

    def origin(self, group: str) -> Origin:
        """Who put it, as far as the client says, and through which group."""
        address = self.circuit.circuit.address[0]
        host = self.circuit.client_hostname or address
        return Origin(self.circuit.client_username or "", f"{host} ({address})", group)

    async def completed(self) -> None:
        """Return when all monitors posted so far have gone out to this client."""
        if self.waits:
            await self.circuit.subscription_queue.flushed()

    async def refused(self, why: str) -> None:
        """Tell a client that does not wait why its put was refused, as a C IOC does (rsrv, write_action)."""
        if not self.waits:
            await self.circuit.send(*self.circuit.put_error(self.command, why))


current_put: ContextVar[Put] = ContextVar("current_put")
"""The write request that the running task serves."""

read_count: ContextVar[int] = ContextVar("read_count", default=0)
"""How many elements the read request wants that is being served; 0: as many as there are."""


class SnapCircuit(caproto_server.VirtualCircuit):
    """One client's connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subscription_queue = UpdateQueue()

    async def command_queue_loop(self) -> None:
        """Serve the client's requests until it goes, or breaks the protocol.

        Bug: after some breaches, such as a channel that is not there, caproto serves no more but stays connected, so that
        the client waits until its own time is over.
        """
        try:
            await super().command_queue_loop()
        except Exception as fault:  # whatever a malformed request raises in caproto must end this circuit only
            _log.warning("closing the circuit of %s:%d, which broke the protocol: %r", *self.circuit.address, fault)
        finally:
            await self.end()

    async def end(self) -> None:
        """Close the connection, and let nobody wait for it. Puts that are being served go on."""
        await self._on_disconnect()
        await self.context.circuit_disconnected(self)

    async def _command_queue_iteration(self, command: Any) -> Any:
        """Bug: the request for a channel whose filter caproto cannot read is never answered."""
        if isinstance(command, ca.CreateChanRequest) and not self.context.knows(command.name):
            await self._send_buffers(bytes(ca.CreateChFailResponse(command.cid)))
            return None
        return await super()._command_queue_iteration(command)

    async def _process_command(self, command: Any) -> Any:
        if isinstance(command, ca.WriteRequest | ca.WriteNotifyRequest):
            if fault := put_fault(command):
                return self.put_error(command, fault)
            current_put.set(Put(self, command))
        if isinstance(command, ca.ClearChannelRequest):
            await self._end_subscriptions(command.sid)
        if isinstance(command, ca.ReadNotifyRequest | ca.ReadRequest):
            return await self._read(command)
        return await super()._process_command(command)

    async def _read(self, command: Any) -> Any:
        """Bug: caproto does not say how many elements a client wants, who may get fewer than it has room for."""
        token = read_count.set(command.data_count)
        try:
            return await super()._process_command(command)
        finally:
            read_count.reset(token)

    async def _end_subscriptions(self, sid: int) -> None:
        """Bug: caproto compares a channel with a number here, so that the subscriptions of a channel that was cleared go on,
        and the first update of one ends all monitors of the circuit.
        """
        await self._cull_subscriptions(None, lambda sub: sub.channel.sid == sid)

    def put_error(self, command: Any, why: str) -> list[Any]:
        """The CA exception for a put that is refused; nothing if its channel is gone."""
        channel = self.circuit.channels_sid.get(command.sid)
        if channel is None:
            return []
        return [ca.ErrorResponse(command, channel.cid, status=ca.CAStatus.ECA_PUTFAIL, error_message=why)]

    async def _start_write_task(self, handle_write: Callable[[], Awaitable[None]]) -> None:
        """Serve a put in a task of the server, which goes on when the client is gone and ends with the server.

        Bug: the completion for a channel that was cleared meanwhile raises in that task.
        """

        async def serve_put() -> None:
            try:
                await handle_write()
            except (ca.LocalProtocolError, DisconnectedCircuit) as gone:
                _log.debug("nobody to tell that a put is done: %s", gone)

        self.context.put_tasks.create(serve_put())

    async def subscription_queue_loop(self) -> None:
        """Send what is queued, at once and together.

        Bug: caproto's own loop waits up to 1 s to batch updates under load, and a put's completion does not wait for it:
        completions overtake monitors.
        """
        self.events_on.set()
        queue = self.subscription_queue
        try:
            while True:
                batch = await queue.take()
                try:
                    await self._send_living(batch)
                finally:
                    release(batch)
                if queue.lost:
                    await self._send_present()
        except (DisconnectedCircuit, asyncio.CancelledError):
            # The command loop, which reads the end of the connection, tidies up.
            return
        finally:
            queue.close()

    async def _send_living(self, batch: Iterable[Any]) -> None:
        """Send the updates whose subscription still stands, and let go of them (caproto keeps 1,000 of each)."""
        wanted = {sub.subscriptionid for subs in self.subscriptions.values() for sub in subs}
        updates = [update for item in batch if not isinstance(item, asyncio.Future) and (update := item()) is not None]
        living = [update for update in updates if update.subscriptionid in wanted]
        if living:
            await self.send(*living)
        for update in updates:
            kept = self.unexpired_updates.get(update.subscriptionid)
            if kept and kept[0] is update:
                kept.popleft()

    async def _send_present(self) -> None:
        """Bug: a client that was frozen for so long that updates were dropped never learns what is true now."""
        self.subscription_queue.lost = False
        for sub_spec, subs in list(self.subscriptions.items()):
            for sub in list(subs):
                await sub.db_entry.subscribe(self.context.subscription_queue, sub_spec, sub)

    async def _on_disconnect(self) -> None:
        self.subscription_queue.close()
        await super()._on_disconnect()
        self.client.writer.transport.abort()


def put_fault(command: Any) -> str | None:
    """Why a write request is no put at all, before caproto takes it apart; None if it may be one.

    Bug: caproto believes the element count of a message, and spends as long as it says on a message that is shorter.
    """
    data_type, count = ca.ChannelType(command.header.data_type), command.data_count
    if data_type in (ca.ChannelType.STSACK_STRING, ca.ChannelType.CLASS_NAME):
        return f"DBR_{data_type.name} cannot be put"
    native = ca.native_type(data_type)
    if count > (MAX_PUT_STRINGS if native == ca.ChannelType.STRING else MAX_PUT):
        return f"{count} elements are too many"
    size = ctypes.sizeof(ca.DBR_TYPES[native])
    # A single string may be sent without its padding (libca, comQueSend).
    if len(command.buffers[-1]) < count * size and not (native == ca.ChannelType.STRING and count == 1):
        return f"the message is too short for {count} elements"
    return None
