"""AiocaServers: which servers the aioca engine has met, and whether each still answers; see `bulk.servers`."""

from __future__ import annotations

import time
from collections.abc import Iterable

from epicscorelibs.ca import cadef

from snapioc.model import HostState

from . import eca
from .circuit import Circuit
from .get import Reply, send_get
from .link import NO_HOST, Link
from .reply_content import TIME

LOOK = 0.5
"""Seconds between two looks at all links."""


class AiocaServers:
    """Looks at the links of an engine, and asks the circuits that were silent."""

    def __init__(self) -> None:
        self.changes = 0
        self._members: dict[Circuit, list[Link]] = {}
        self._state: tuple[bool, ...] = ()
        self._looked, self._next = time.monotonic(), 0.0

    def look(self, links: Iterable[Link]) -> None:
        """To be called some ten times a second."""
        now = time.monotonic()
        lived, self._looked = now - self._looked, now
        if now >= self._next:
            self._next = now + LOOK
            self._look_around(list(links))
        for circuit, members in self._members.items():
            was = circuit.breaker.hung
            circuit.breaker.look(heard=circuit.take_heard(), owed=circuit.owing, lived=lived)
            self._look_at(circuit, members)
            self.changes += was != circuit.breaker.hung

    def hosts(self, links: Iterable[Link]) -> tuple[HostState, ...]:
        """The servers that have or had one of these links, by name."""
        mine: dict[Circuit, list[Link]] = {}
        for link in links:
            circuit = link.find_circuit()
            if circuit is not None:
                mine.setdefault(circuit, []).append(link)
        states = [
            HostState(
                circuit.name,
                len(members),
                sum(link.connected for link in members),
                time.monotonic() - circuit.heard_at,
                circuit.breaker.hung,
            )
            for circuit, members in mine.items()
        ]
        return tuple(sorted(states, key=lambda state: state.host))

    def _look_around(self, links: list[Link]) -> None:
        state = tuple(link.connected for link in links)
        differences = sum(before != now for before, now in zip(self._state, state, strict=False))
        self.changes += differences + abs(len(state) - len(self._state))
        self._state, self._members = state, {}
        for link in links:
            circuit = link.find_circuit()
            if circuit is not None:
                self._members.setdefault(circuit, []).append(link)

    def _look_at(self, circuit: Circuit, members: list[Link]) -> None:
        connected = next((link for link in members if link.connected), None)
        if connected is None:
            held = any(link.host != NO_HOST for link in members)
            circuit.held = circuit.held + 1 if held else 0
            if not held:
                circuit.breaker.gone()
            elif circuit.held > 1:  # a channel is called disconnected just before it loses its circuit
                circuit.breaker.unresponsive()
        elif circuit.breaker.due and not circuit.owing and not circuit.full:
            readable = next((link for link in members if link.connected and link.readable), None)
            if readable is not None:
                _probe(circuit, readable)


def _probe(circuit: Circuit, link: Link) -> None:
    def answered(reply: Reply) -> None:
        circuit.asking = False
        circuit.heard(reply.status != eca.ECA_DISCONN)

    circuit.asking = send_get(link.channel, TIME + link.dbr_type, 1, answered) is None
    cadef.ca_flush_io()
