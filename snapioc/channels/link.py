"""Link: what the aioca engine knows of one PV between requests."""

from __future__ import annotations

import asyncio
from typing import Any

from epicscorelibs.ca import cadef

from snapioc.model import DbrType, Metadata

from . import eca
from .circuit import HEADER, Circuit
from .circuits import Circuits
from .get import Reply, send_get
from .property_monitor import PropertyMonitor
from .reply_content import CTRL, metadata_of

NO_HOST = "<disconnected>"
"""What libca calls the host of a channel that has no circuit."""


class Link:
    """One PV: its channel, its metadata, and its unanswered requests.

    A channel is not asked again before its last request was answered, because after some rounds libca would block on the
    circuit of a hung IOC. Type and length are those of the last connection.
    """

    def __init__(self, name: str, circuits: Circuits) -> None:
        self.name = name
        self.metadata: Metadata | None = None
        self.dbr_type = DbrType.STRING
        self.element_count = 0
        self.no_long_text = False
        self.put_unanswered = False
        self.circuit: Circuit | None = None
        """That of its last connection, as far as it is known."""
        self._circuits = circuits
        self._asked: asyncio.Future[Reply] | None = None
        self._changes = 0
        self._monitor = self._new_monitor()
        self._channel = self._monitor.channel

    @property
    def channel(self) -> Any:
        """aioca's channel."""
        return self._channel

    @property
    def host(self) -> str:
        """Where the channel is, NO_HOST if it has no circuit: one that libca has given up for its silence has one."""
        return str(cadef.ca_host_name(self._channel))

    @property
    def hung(self) -> bool:
        """True if its server holds its connection but does not answer."""
        return self.circuit is not None and self.circuit.breaker.hung

    @property
    def late(self) -> bool:
        """True if a read has waited for its server in vain, and it has said nothing since."""
        return self.circuit is not None and (self.circuit.breaker.late or self.circuit.breaker.hung)

    def find_circuit(self) -> Circuit | None:
        """The circuit that it is on, or was."""
        if self.connected and self.host != NO_HOST:
            self.circuit = self._circuits.of(self._channel)
        return self.circuit

    @property
    def ever_connected(self) -> bool:
        """True if it is connected or was."""
        return bool(cadef.ca_state(self._channel) != cadef.cs_never_conn)

    @property
    def connected(self) -> bool:
        """True if it was connected when the loop heard of it last: cheap."""
        return bool(self._channel.connected())

    @property
    def readable(self) -> bool:
        """True if the server grants reading."""
        return bool(cadef.ca_read_access(self._channel))

    @property
    def writable(self) -> bool:
        """True if the server grants writing."""
        return bool(cadef.ca_write_access(self._channel))

    def look(self) -> bool:
        """Take note of the type and length that the channel has now; False if it is not connected now."""
        if cadef.ca_state(self._channel) != cadef.cs_conn:
            return False
        try:
            dbr_type, count = DbrType(cadef.ca_field_type(self._channel)), int(cadef.ca_element_count(self._channel))
        except (cadef.Disconnected, ValueError):  # gone in the meantime, or of a type that holds no value
            return False
        if (dbr_type, count) != (self.dbr_type, self.element_count):
            self.dbr_type, self.element_count, self.metadata = dbr_type, count, None
        return True

    async def wait_connected(self, timeout: float | None = None) -> bool:
        """Wait until it is connected; False if it is not within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._channel.wait()
        except TimeoutError:
            return False
        return True

    async def learn(self) -> None:
        """Have the metadata of now, if they are not known: labels, units, limits. They stay unknown if it cannot be read."""
        while self.metadata is None and self.look() and self.readable:
            if self._monitor.ended:
                self._monitor = self._new_monitor()
            changes = self._changes
            known = await self._described()
            if changes == self._changes:
                self.metadata = known

    def forget(self) -> None:
        """Count the metadata as unknown, so that `learn` asks for them."""
        self._on_change()

    async def _described(self) -> Metadata | None:
        element_count = self.element_count
        if self.dbr_type is DbrType.STRING:
            return Metadata(element_count=element_count)
        reply = await self.get(CTRL + self.dbr_type, 1)
        return metadata_of(reply, element_count) if reply.ok else Metadata(element_count=element_count)

    async def get(self, code: int, count: int = 0) -> Reply:
        """Ask the server, once the last request was answered; cancelled, the request still counts as unanswered."""
        while self._asked is not None:
            await asyncio.wait({self._asked})
        circuit = self._circuits.of(self._channel)
        await circuit.enter(HEADER)
        if self._asked is not None:
            circuit.leave(HEADER)
            return await self.get(code, count)
        asked: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def answered(reply: Reply) -> None:
            circuit.leave(HEADER)
            circuit.questions -= 1
            circuit.heard(reply.status != eca.ECA_DISCONN)
            self._asked = None
            asked.set_result(reply)

        refused = send_get(self._channel, code, count, answered)
        if refused is not None:
            circuit.leave(HEADER)
            return refused
        self._circuits.flush_soon()
        self._asked = asked
        circuit.questions += 1
        return await asyncio.shield(asked)

    def room(self, size: int) -> Any:
        """A context manager: room on this channel's circuit for a request that carries `size` bytes."""
        return self._circuits.of(self._channel).room(HEADER + size)

    def _new_monitor(self) -> PropertyMonitor:
        return PropertyMonitor(self.name, self._on_change, self._on_loss)

    def _on_change(self) -> None:
        self._changes += 1
        self.metadata = None

    def _on_loss(self) -> None:
        self._on_change()
        self.no_long_text = False
