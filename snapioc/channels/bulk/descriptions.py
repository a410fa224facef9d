"""Descriptions: what has to be known of a channel, once per connection, besides its value.

That is its metadata, and whether its length can vary. A one-element array may be empty, and a scalar get would show it as
0; CA tells only by the record's type (DBR_CLASS_NAME) that a field cannot be one. Channels of other types are read with
get-callbacks: right always, some three times slower.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DbrType, Metadata

from .. import eca
from ..get import Reply
from ..reply_content import CTRL, metadata_of
from .libca import DBR_CLASS_NAME
from .questions import Questions, size_of
from .table import Table

UNKNOWN, ASKED, KNOWN = 0, 1, 2
"""The states in `Table.described`."""

SCALAR_RECORDS = frozenset(
    b"ai ao bi bo mbbi mbbo mbbiDirect mbboDirect longin longout int64in int64out stringin stringout calc calcout scalcout"
    b" dfanout fanout sel seq sub event state motor busy swait scaler transform table epid timestamp throttle".split()
)
"""Record types of which no field is an array of one element."""

_HEADER = 4
"""Bytes of status and severity, which are no metadata."""


class Descriptions:
    """Asks channels for their metadata; equal ones are one Metadata, and always the same object."""

    def __init__(self, table: Table, questions: Questions) -> None:
        self._table, self._questions = table, questions
        self._by_raw: dict[tuple[int, int, bytes], int] = {}
        self._by_content: dict[tuple[Any, ...], int] = {}
        self.metadatas: list[Metadata] = []

    def wanting(self, channels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of the channels that are connected and readable and have not been asked."""
        table = self._table
        free = table.connected[channels] & (table.unanswered[channels] == 0) & table.readable[channels]
        return channels[free & (table.described[channels] == UNKNOWN)]

    def ask(self, channel: int) -> None:
        """Ask a channel that is wanting."""
        table, questions = self._table, self._questions
        table.described[channel] = ASKED
        dbr_type, single = DbrType(table.dbr_type[channel]), table.element_count[channel] == 1
        table.variable[channel] = True
        if dbr_type is not DbrType.STRING and table.watched[channel] != CTRL + dbr_type:
            questions.watch(channel, CTRL + dbr_type)
        if single:
            questions.ask(channel, DBR_CLASS_NAME, self._on_class, 1)
        if dbr_type is DbrType.STRING:
            self._know(channel, self._of_content(Metadata(element_count=int(table.element_count[channel]))))
        else:
            questions.ask(channel, CTRL + dbr_type, self._on_metadata, 1)

    def take_in(self) -> None:
        """Take note of the property changes."""
        for channel, reply in self._questions.changes():
            self.learn(channel, reply)

    def learn(self, channel: int, reply: Reply) -> None:
        """Take note of a DBR_CTRL reply of a channel that is known."""
        if reply.ok and self._table.described[channel] == KNOWN and self._table.dbr_type[channel] + CTRL == reply.code:
            self._know(channel, self._of(channel, reply))

    def understand(self, channel: int, raw: bytes) -> int:
        """The number of the metadata in the bytes of a DBR_CTRL structure of a channel."""
        return self._of(channel, Reply(eca.ECA_NORMAL, CTRL + int(self._table.dbr_type[channel]), 1, raw))

    def _on_class(self, channel: int, reply: Reply) -> None:
        if reply.ok:
            self._table.variable[channel] = reply.data.split(b"\0", 1)[0] not in SCALAR_RECORDS

    def _on_metadata(self, channel: int, reply: Reply) -> None:
        if reply.ok:
            self._know(channel, self._of(channel, reply))
        elif reply.status != eca.ECA_DISCONN:
            self._know(channel, self._of_content(Metadata(element_count=int(self._table.element_count[channel]))))

    def _know(self, channel: int, metadata: int) -> None:
        self._table.metadata[channel] = metadata
        self._table.described[channel] = KNOWN
        self._table.fingerprint[channel] = 0

    def _of(self, channel: int, reply: Reply) -> int:
        """The number of the metadata in a DBR_CTRL reply; equal bytes are understood once."""
        count = int(self._table.element_count[channel])
        raw = reply.data[_HEADER : size_of(reply.code, 0)]
        if reply.code in _PADDED:
            raw = raw[:_PRECISION] + raw[2 * _PRECISION :]
        key = (reply.code, count, raw)
        if key not in self._by_raw:
            self._by_raw[key] = self._of_content(metadata_of(reply, count))
        return self._by_raw[key]

    def _of_content(self, metadata: Metadata) -> int:
        # Limits that are not in use are NaN, which equals nothing.
        limits = struct.pack(f"{len(metadata.limits)}d", *metadata.limits)
        key = (metadata.units, metadata.precision, metadata.labels, limits, metadata.element_count)
        if key not in self._by_content:
            self._by_content[key] = len(self.metadatas)
            self.metadatas.append(metadata)
        return self._by_content[key]


_PRECISION = 2
_PADDED = (CTRL + DbrType.FLOAT, CTRL + DbrType.DOUBLE)
"""After the precision of a float come as many bytes of which servers send what happens to lie there."""
