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


class Lane:
    """Puts in chunks as long as there is room on the circuit.

    Then it asks one channel of the circuit for its value. A server takes what comes on a circuit in order, so the answer
    proves that it has gone through all puts before it; `proved` is called with their rows and whether the circuit lived.
    A put that alone is more than there is room for is sent with put-callback, as not even a question could follow it.
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
        self._unproven: list[Rows] = []
        self._size = 0
        self._asking = False

    def turn(self) -> bool:
        """Send what can be sent now; True if that was anything."""
        if self._asking or self._core.unproven[self._circuit] > self._size:  # a server may hang on what others put, too
            return False
        rows = self._fitting()
        if len(rows):
            self._next += len(rows)
            self._put(rows)
            return True
        if self._unproven:
            self._prove()
            return True
        return False

    def close(self) -> None:
        """Send nothing more; what was sent is proved in its time, so that others may send."""
        if self._unproven:
            self._prove()

    def _fitting(self) -> Rows:
        """The next rows for which there is room; one that is larger than all room if nothing else is on its way."""
        rows = self._rows[self._next : self._next + CHUNK]
        load = self._core.load(self._circuit)
        sizes = load + np.cumsum(self._messages.size[rows])
        fitting = int(np.searchsorted(sizes, ROOM, side="right"))
        return rows[: fitting or int(load == 0)]

    def _put(self, rows: Rows) -> None:
        table, messages = self._core.table, self._messages
        channels = self._channels[rows]
        connected = table.connected[channels] & (table.circuit[channels] == self._circuit)
        self._sent(rows[~connected], [eca.ECA_DISCONN] * int(np.count_nonzero(~connected)))
        rows = rows[connected]
        size = int(messages.size[rows].sum())
        self._count(size)
        if size > ROOM:
            self._asking = True
            statuses = [self._send_large(int(rows[0]), self._prover(rows, size))]
            if statuses[0] != eca.ECA_NORMAL:
                self._asking = False
                self._count(-size)
        else:
            statuses = self._send(rows)
            self._unproven.append(rows)
            self._size += size
        lib.ca_flush_io()
        self._sent(rows, statuses)

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

    def _prove(self) -> None:
        """Ask a channel that is connected on this circuit; without one the puts went with the circuit."""
        table, size = self._core.table, len(self._core.table)
        witness = table.connected[:size] & table.readable[:size] & (table.circuit[:size] == self._circuit)
        rows, self._unproven = np.concatenate(self._unproven), []
        covered, self._size = self._size, 0
        proved = self._prover(rows, covered)
        if not witness.any():
            proved(0, Reply(eca.ECA_DISCONN))
            return
        self._asking = True
        self._core.questions.prove(int(np.argmax(witness)), proved)
        lib.ca_flush_io()

    def _prover(self, rows: Rows, size: int) -> Answered:
        def proved(_: int, reply: Reply) -> None:
            self._asking = False
            self._count(-size)
            self._proved(rows, reply.status != eca.ECA_DISCONN)

        return proved

    def _count(self, size: int) -> None:
        self._core.unproven[self._circuit] += size
        self._core.sent(self._circuit, size)
