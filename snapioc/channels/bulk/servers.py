"""Servers: one per circuit; whether each answers, also while nobody reads, and what is not to be sent to it.

Each that has been silent for a while is asked for the value of one of its channels. libca asks as well (its echo), but says
so only after twice EPICS_CA_CONN_TMO; until then reads would wait. When it does say so it calls the channels disconnected,
though it holds the connection: that is told by the host name, which it has until the connection ends.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from snapioc.model import HostState

from ..get import Reply
from .asking import Rows
from .libca import lib
from .questions import Questions
from .server import NO_HOST, Server, host_of, merged
from .table import Table


class Servers:
    """The servers by the numbers of their circuits."""

    def __init__(self, table: Table, questions: Questions) -> None:
        self._table, self._questions = table, questions
        self._servers: dict[int, Server] = {}
        self._arrived: set[int] = set()
        self._seen = -1
        self._looked = time.monotonic()
        self._hung: NDArray[np.bool_] = np.zeros(1, bool)
        self._closed: NDArray[np.bool_] = np.zeros(1, bool)

    def arrived(self, channels: Rows) -> None:
        """Answers of these channels have come without any callback."""
        self._arrived.update(np.unique(self._table.circuit[channels]).tolist())

    def is_hung(self, circuit: int) -> bool:
        """Whether nothing is to be sent on a circuit."""
        return circuit < len(self._hung) and bool(self._hung[circuit])

    def hung(self, channels: Rows) -> NDArray[np.bool_]:
        """Those of the channels whose server hangs, though libca may call them disconnected by now."""
        return self._of(self._hung, channels)

    def late(self, channels: Rows) -> NDArray[np.bool_]:
        """Those of the channels whose server a read has waited for in vain, and that has said nothing since."""
        return self._of(self._closed, channels)

    def gave_up(self, channels: Rows) -> None:
        """A read has waited for the answers of these channels for its whole deadline."""
        for number in np.unique(self._table.circuit[channels]).tolist():
            if number in self._servers:
                self._servers[number].breaker.gave_up()
        self._publish()

    def witness(self, circuit: int) -> int | None:
        """A channel of the circuit that can be read, if there is one."""
        table, server = self._table, self._servers.get(circuit)
        it = server.witness if server else None
        return it if it is not None and table.connected[it] and table.circuit[it] == circuit else None

    def look(self, owing: NDArray[np.bool_]) -> None:
        """See who has been heard, and ask those that were silent; `owing` are the circuits on which answers are owed."""
        now = time.monotonic()
        lived, self._looked = now - self._looked, now
        self._look_around()
        heard = self._table.circuits.take_heard() | self._arrived
        self._arrived.clear()
        for number, server in self._servers.items():
            if number in heard:
                server.heard_at = now
            owed = server.asking or (number < len(owing) and bool(owing[number]))
            server.breaker.look(heard=number in heard, owed=owed, lived=lived)
            self._look_at(number, server, owed=owed)
        self._publish()

    def hosts(self, channels: Rows) -> tuple[HostState, ...]:
        """The servers that have or had one of these channels, by name."""
        self._look_around()
        table, now = self._table, time.monotonic()
        channels = channels[table.ever_connected[channels]]
        circuits, size = table.circuit[channels], len(table.circuits)
        pvs, connected = (
            np.bincount(circuits, minlength=size),
            np.bincount(circuits[table.connected[channels]], minlength=size),
        )
        states: dict[str, HostState] = {}
        for number in np.flatnonzero(pvs).tolist():
            server = self._servers[number]
            server.ask_name(self._table)
            silent = max(0.0, now - server.heard_at)
            state = HostState(server.name, int(pvs[number]), int(connected[number]), silent, server.breaker.hung)
            states[server.name] = merged(states.get(server.name), state)
        return tuple(states[name] for name in sorted(states))

    def _of(self, flags: NDArray[np.bool_], channels: Rows) -> NDArray[np.bool_]:
        if not flags.any():
            return np.zeros(len(channels), bool)
        # The last is false, for circuits that are new.
        circuits = np.minimum(self._table.circuit[channels], len(flags) - 1)
        found: NDArray[np.bool_] = flags[circuits] & self._table.ever_connected[channels]
        return found

    def _look_around(self) -> None:
        """Count anew, and choose channels, if something has come or gone."""
        table, size = self._table, len(self._table)
        if self._seen == table.changes:
            return
        self._seen = table.changes
        here = np.flatnonzero(table.connected[:size])
        counts = np.bincount(table.circuit[here], minlength=len(table.circuits))
        firsts, readable = self._first(here), self._first(here[table.readable[here]])
        old, self._servers = self._servers, {}
        for number, beat in table.circuits.by_number.items():
            known = old.get(number)
            server = known if known is not None and known.beat is beat else Server(beat)
            server.connected, server.witness = int(counts[number]), readable.get(number)
            server.channel = firsts.get(number, server.channel)
            if server.connected:
                server.held = 0
                server.ask_name(self._table)
            self._servers[number] = server

    def _first(self, channels: Rows) -> dict[int, int]:
        numbers, places = np.unique(self._table.circuit[channels], return_index=True)
        return dict(zip(numbers.tolist(), channels[places].tolist(), strict=True))

    def _look_at(self, number: int, server: Server, *, owed: bool) -> None:
        if server.connected == 0:
            self._look_at_lost(number, server)
        elif server.breaker.due and not owed and (witness := self.witness(number)) is not None:
            self._probe(server, witness)

    def _probe(self, server: Server, witness: int) -> None:
        def answered(_channel: int, _reply: Reply) -> None:
            server.asking = False

        server.asking = True
        self._questions.prove(witness, answered)
        lib.ca_flush_io()

    def _look_at_lost(self, number: int, server: Server) -> None:
        """All channels are disconnected: either the connection has ended, or libca has given it up."""
        if server.held < 0:
            return
        table, it = self._table, server.channel
        if table.circuit[it] != number or table.connected[it]:
            mine = np.flatnonzero((table.circuit[: len(table)] == number) & table.ever_connected[: len(table)])
            it = server.channel = int(mine[0]) if len(mine) else it
        if host_of(self._table, it) == NO_HOST or table.circuit[it] != number:
            server.held = -1
            server.breaker.gone()
            return
        server.held += 1
        if server.held > 1:  # a channel is called disconnected just before it loses its circuit
            server.breaker.unresponsive()

    def _publish(self) -> None:
        hung = np.zeros(len(self._table.circuits) + 1, bool)
        hung[[number for number, server in self._servers.items() if server.breaker.hung]] = True
        late = hung.copy()
        late[[number for number, server in self._servers.items() if server.breaker.late]] = True
        if not np.array_equal(np.flatnonzero(hung), np.flatnonzero(self._hung)):
            self._table.changes += 1
        self._hung, self._closed = hung, late
