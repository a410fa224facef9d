"""Core: what readers, writers and the engine share. All of it is called in the CA thread."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DbrType

from ..reply_content import CTRL, TIME
from .asking import Asking, Places, Rows
from .descriptions import UNKNOWN, Descriptions
from .libca import OP_GET, lib
from .property_slots import PropertySlots
from .questions import Questions
from .refusals import Refusals
from .servers import Servers
from .slots import Slots
from .table import ORPHAN, Table

CHUNK = 2000
"""Channels that are asked or written before libca is told to send, and the loop gets a turn."""

GET = 16
"""Bytes of a request to read (caProto.h)."""

READ_ROOM = 8000 * GET
"""Bytes of unanswered requests on a circuit beyond which nothing more is read."""

ROOM = 224 * 1024
"""Bytes of unanswered requests on a circuit beyond which nothing is written. A call of libca blocks when, before it, more
than 256 kB are waiting to be sent on its circuit (comQueSend::flushBlockThreshold); all that waits there is unanswered."""


class Listener(Protocol):
    """Who is told of single requests that were refused."""

    def refused(self, channel: int, status: int) -> None:
        """The server, or libca, has not done what was asked of this channel."""


class Core:
    """The channels, what is on its way, and who waits for it."""

    def __init__(self) -> None:
        self.table = Table()
        self.slots = Slots()
        self.property_slots = PropertySlots()
        self.questions = Questions(self.table)
        self.servers = Servers(self.table, self.questions)
        self.refusals = Refusals(self.table)
        self.descriptions = Descriptions(self.table, self.questions)
        self.values = Asking(self.slots, TIME, 0, lambda channels: self.table.variable[channels])
        self.properties = Asking(
            self.property_slots, CTRL, 1, lambda channels: self.table.dbr_type[channels] == DbrType.ENUM
        )
        self.readers: dict[int, Listener] = {}
        self.writers: dict[int, Listener] = {}
        self.unproven: Counter[int] = Counter()
        """Bytes by circuit that were put and of which no answer says that they have been read."""
        self._orphans: list[tuple[Places, Rows]] = []
        self._load: NDArray[np.int64] = np.zeros(0, np.int64)
        self._identities = 0
        self._undescribed: Rows = np.zeros(0, np.intp)

    def release(self) -> None:
        """Give the memory for answers back, once libca has closed all channels."""
        self.slots.release()
        self.property_slots.release()

    def identity(self) -> int:
        """A number for a reader or writer."""
        self._identities += 1
        return self._identities

    def pump(self) -> None:
        """Take note of all that libca has said."""
        self.table.take_in()
        self.questions.take_in()
        self.descriptions.take_in()
        # Last: a refusal that came before the answer of a question must be known when that is.
        for refusal in self.refusals.take():
            if refusal.op != OP_GET:
                for writer in self.writers.values():
                    writer.refused(refusal.channel, refusal.status)
            elif self.table.owner[refusal.channel] != 0:
                owner = self.readers.get(int(self.table.owner[refusal.channel]))
                self.answered(np.array([refusal.channel]))
                if owner is not None:
                    owner.refused(refusal.channel, refusal.status)

    def weigh(self) -> None:
        """Count anew what is on its way, and free the slots that nobody waited for."""
        table, size = self.table, len(self.table)
        self._orphans = [(places, self._still_orphans(places, channels)) for places, channels in self._orphans]
        self._orphans = [(places, channels) for places, channels in self._orphans if len(channels)]
        busy = np.flatnonzero(table.unanswered[:size])
        load = np.bincount(
            table.circuit[busy], table.unanswered[busy] * GET, minlength=1 + max([len(table.circuits), *self.unproven])
        )
        for circuit, put in self.unproven.items():
            if put:
                load[circuit] += put
        self._load = load.astype(np.int64)

    def tend(self) -> None:
        """See which servers still answer; to be called some ten times a second."""
        self.weigh()
        # More than ROOM is a single put, which is answered when its record is done.
        self.servers.look((self._load > 0) & (self._load <= ROOM))

    def load(self, circuit: int) -> int:
        """Bytes that are on their way on a circuit."""
        return int(self._load[circuit]) if circuit < len(self._load) else 0

    def sent(self, circuit: int, size: int) -> None:
        """So many bytes more are on their way, until they are counted anew."""
        if circuit >= len(self._load):
            self.weigh()
        self._load[circuit] += size

    def arrived(self, channels: Rows) -> None:
        """The answers of these channels are in their slots."""
        self.servers.arrived(channels)
        self.answered(channels)

    def answered(self, channels: NDArray[np.intp]) -> None:
        """The slots of these channels have their answers, or will never have any."""
        self.table.unanswered[channels] = 0
        self.table.owner[channels] = 0

    def abandon(self, channels: Rows, places: Places) -> None:
        """Nobody waits any longer for the answers of these channels; they are free again when libca has answered."""
        self.table.owner[channels] = ORPHAN
        self._orphans.append((places, channels))

    def _still_orphans(self, places: Places, channels: Rows) -> Rows:
        mine = channels[self.table.owner[channels] == ORPHAN]
        filled = places.filled(mine, self.table.dbr_type[mine])
        self.arrived(mine[filled])
        return mine[~filled]

    def describe_fresh(self) -> None:
        """Ask those that have connected by themselves for their metadata; costs nothing while nothing happens."""
        if fresh := self.table.take_fresh():
            self._undescribed = np.unique(np.concatenate([self._undescribed, *fresh]))
        if len(self._undescribed):
            self.describe(self._undescribed)
            channels, table = self._undescribed, self.table
            self._undescribed = channels[table.connected[channels] & (table.described[channels] == UNKNOWN)]

    def describe(self, channels: NDArray[np.intp]) -> None:
        """Ask those of the channels for their metadata of which they are not known, as many as there is room for."""
        wanting = self.descriptions.wanting(channels)
        wanting = wanting[~self.servers.hung(wanting)][: CHUNK * 4]
        if len(wanting) == 0:
            return
        self.weigh()
        for channel in wanting.tolist():
            circuit = int(self.table.circuit[channel])
            if self.load(circuit) < READ_ROOM // 2:  # a subscription goes with it, which is answered unseen
                self.descriptions.ask(channel)
                self.sent(circuit, 2 * GET)
        lib.ca_flush_io()
