"""The caproto server with its traps cured: each class names the bug of caproto 1.3.0 that it answers to.

Decided: monitors go straight from the PV to the queue of each client's circuit, and each circuit sends what is queued as
soon as it can. A barrier in that queue tells when all that was posted before has gone out; a put completes after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import caproto as ca
import caproto.asyncio.server as caproto_server
import numpy as np
from caproto._dbr import DbrStringArray
from caproto.server.common import DisconnectedCircuit

MAX_QUEUED = 10_000
"""Monitor updates that may wait for one client before they are all dropped."""


@dataclass(frozen=True, slots=True)
class Put:
    """A client's write request: over which circuit it came, and whether the client waits for its completion."""

    circuit: SnapCircuit
    command: Any

    @property
    def waits(self) -> bool:
        """True for a put with callback."""
        return isinstance(self.command, ca.WriteNotifyRequest)

    async def completed(self) -> None:
        """Return when all monitors posted so far have gone out to this client."""
        if self.waits:
            await self.circuit.subscription_queue.flushed()

    async def refused(self, why: str) -> None:
        """Tell a client that does not wait why its put was refused, as a C IOC does (rsrv, write_action)."""
        if not self.waits and self.circuit.connected:
            channel = self.circuit.circuit.channels_sid[self.command.sid]
            status = ca.CAStatus.ECA_PUTFAIL
            await self.circuit.send(ca.ErrorResponse(self.command, channel.cid, status=status, error_message=why))


current_put: ContextVar[Put] = ContextVar("current_put")
"""The write request that the running task serves."""


class UpdateQueue:
    """Monitor updates on their way to one client, in order, with barriers among them.

    Bug: `asyncio.Queue.put` waits when the queue is full, where caproto expects QueueFull: one frozen client stops the
    monitors of all, for good. This queue raises it, and has the `clear` that caproto then calls.
    """

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._filled = asyncio.Event()
        self._closed = False

    async def put(self, reference: Any) -> None:
        """Queue a weak reference to an update. Raises asyncio.QueueFull."""
        if len(self._items) >= MAX_QUEUED:
            raise asyncio.QueueFull
        self._items.append(reference)
        self._filled.set()

    async def take(self) -> list[Any]:
        """All that is queued, as soon as there is something."""
        await self._filled.wait()
        taken = list(self._items)
        self._items.clear()
        self._filled.clear()
        return taken

    async def flushed(self) -> None:
        """Return when everything queued before has been sent, dropped, or the circuit is gone."""
        if not self._closed:
            barrier = asyncio.get_running_loop().create_future()
            self._items.append(barrier)
            self._filled.set()
            await barrier

    def clear(self) -> None:
        """Drop everything that is queued."""
        release(self._items)
        self._items.clear()
        self._filled.clear()

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        self.clear()


def release(items: Iterable[Any]) -> None:
    """Let those go on who wait at a barrier among the items."""
    for item in items:
        if isinstance(item, asyncio.Future) and not item.done():
            item.set_result(None)


class SnapCircuit(caproto_server.VirtualCircuit):
    """One client's connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subscription_queue = UpdateQueue()

    async def _process_command(self, command: Any) -> Any:
        if isinstance(command, ca.WriteRequest | ca.WriteNotifyRequest):
            current_put.set(Put(self, command))
        return await super()._process_command(command)

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

    async def _on_disconnect(self) -> None:
        self.subscription_queue.close()
        await super()._on_disconnect()


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
        if port is not None:
            self.ca_server_port = port

    async def subscription_queue_loop(self) -> None:
        """Nothing to do: see StraightQueue."""
        await asyncio.get_running_loop().create_future()

    async def _subscription_queue_send(self, sub_spec: Any, sub: Any, metadata: Any, values: Any, flags: int) -> None:
        """Bug: a subscription to more elements than there are is answered with that count and too few bytes."""
        await super()._subscription_queue_send(sub_spec, sub, metadata, padded(values, sub.data_count), flags)


def padded(values: Any, count: int) -> Any:
    """The values filled up with zeros or empty strings to at least `count`, as a C IOC does."""
    lacking = count - len(values)
    if lacking <= 0:
        return values
    if isinstance(values, DbrStringArray):
        return DbrStringArray([*values, *[b""] * lacking])
    return np.concatenate([values, np.zeros(lacking, values.dtype)])


class _NoBeaconTraceback(logging.Filter):
    """Bug: with nobody listening for beacons, as on loopback without a caRepeater, each one is logged with a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], ConnectionRefusedError))


async def serve(
    pvdb: dict[str, Any], port: int | None, interfaces: list[str] | None, serving: Callable[[], None] = lambda: None
) -> None:
    """Serve the PVs until cancelled; `port` is the one clients search on (default: EPICS_CA_SERVER_PORT).

    `serving` is called when clients can connect.
    """
    context = SnapContext(pvdb, interfaces, port)
    context.log.addFilter(_NoBeaconTraceback())

    async def started(_: Any) -> None:
        serving()

    await context.run(startup_hook=started)
