"""Lane: the puts of one write to one circuit, in their order, and the proof that the server has read them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .. import eca
from ..get import Reply
from .core import CHUNK, ROOM, Core
from .libca import lib
from .messages import Messages
from .questions import Answered

Rows = NDArray[np.intp]


PART = ROOM // 4
"""Bytes that are put before they are proved: so the server works on some while others are on their way."""


class Lane:
    """Puts in chunks as long as there is room on the circuit.

    After each it asks one channel of the circuit for its value. A server takes what comes on a circuit in order, so the
    answer proves that it has gone through all puts before it; `proved` is called with their rows and whether the circuit
    lived. A put that alone is more than there is room for is sent with put-callback, as not even a question could follow it.
    """

    def __init__(
        self,
        core: Core,
        messages: Messages,
        channels: Rows,
        rows: Rows,
        sent: Callable[[Rows, list[int]], None],
        proved: Callable[[Rows, bool], None],
    ) -> None:
        self._core, self._messages, self._channels, self._rows = core, messages, channels, rows
        self._sent, self._proved = sent, proved
        self._circuit = int(core.table.circuit[channels[rows[0]]])
        self._next = 0
        self._on_way = 0
        self._large = False
        self._witness: int | None = None

    def turn(self) -> bool:
        """Send what can be sent now; True if that was anything."""
        if self._large or self._core.servers.is_hung(self._circuit):
            return False
        if self._core.unproven[self._circuit] > self._on_way:  # a server may hang on what others put, too
            return False
        rows = self._fitting()
        if len(rows):
            self._next += len(rows)
            self._put(rows)
        return len(rows) > 0

    def _fitting(self) -> Rows:
        """The next rows, if there is room for them; one that is larger than all room if nothing else is on its way."""
        rows = self._rows[self._next : self._next + CHUNK]
        sizes = np.cumsum(self._messages.size[rows])
        rows = rows[: max(1, int(np.searchsorted(sizes, PART, side="right")))]
        load = self._core.load(self._circuit)
        fits = len(rows) and (load == 0 or load + sizes[len(rows) - 1] <= ROOM)
        return rows if fits else rows[:0]

    def _put(self, rows: Rows) -> None:
        table, messages = self._core.table, self._messages
        channels = self._channels[rows]
        connected = table.connected[channels] & (table.circuit[channels] == self._circuit)
        self._sent(rows[~connected], [eca.ECA_DISCONN] * int(np.count_nonzero(~connected)))
        rows = rows[connected]
        if len(rows) == 0:
            return
        size = int(messages.size[rows].sum())
        self._count(size)
        if size > ROOM:
            self._large = True
            statuses = [self._send_large(int(rows[0]), self._prover(rows, size))]
            if statuses[0] != eca.ECA_NORMAL:
                self._large = False
                self._count(-size)
        else:
            statuses = self._send(rows)
        self._sent(rows, statuses)
        if size <= ROOM:
            self._prove(rows, size)
        lib.ca_flush_io()

    def _send(self, rows: Rows) -> list[int]:
        """Hand puts to libca; its statuses."""
        messages, chids = self._messages, self._core.table.chid[self._channels[rows]].tolist()
        codes, counts, addresses = (
            column[rows].tolist() for column in (messages.dbr_type, messages.count, messages.address)
        )
        return list(map(lib.ca_array_put, codes, counts, chids, addresses))

    def _send_large(self, row: int, proved: Answered) -> int:
        """Hand a put to libca that nothing can follow; its status. A refusal is an answer, too, but proves no write."""

        def answered(channel: int, reply: Reply) -> None:
            if reply.status not in (eca.ECA_NORMAL, eca.ECA_DISCONN):
                self._sent(np.array([row]), [reply.status])
            proved(channel, reply)

        return self._put_callback(row, answered)

    def _put_callback(self, row: int, answered: Answered) -> int:
        channel, messages = int(self._channels[row]), self._messages
        address = int(messages.address[row])
        return self._core.questions.put(channel, int(messages.dbr_type[row]), int(messages.count[row]), address, answered)

    def _prove(self, rows: Rows, size: int) -> None:
        """Ask a channel that is connected on this circuit; without one the puts went with the circuit."""
        proved, witness = self._prover(rows, size), self._find_witness()
        if witness is None:
            proved(0, Reply(eca.ECA_DISCONN))
        else:
            self._core.questions.prove(witness, proved)

    def _find_witness(self) -> int | None:
        table, known, it = self._core.table, len(self._core.table), self._witness
        if it is None or not (table.connected[it] and table.circuit[it] == self._circuit):
            able = table.connected[:known] & table.readable[:known] & (table.circuit[:known] == self._circuit)
            self._witness = int(np.argmax(able)) if able.any() else None
        return self._witness

    def _prover(self, rows: Rows, size: int) -> Answered:
        def proved(_: int, reply: Reply) -> None:
            self._large = False
            self._count(-size)
            self._proved(rows, reply.status != eca.ECA_DISCONN)

        return proved

    def _count(self, size: int) -> None:
        self._on_way += size
        self._core.unproven[self._circuit] += size
        self._core.sent(self._circuit, size)
