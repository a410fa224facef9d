"""Chunks: rows of a read that are asked together, with the arguments of libca ready; made once per list and connection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DbrType

from .asking import Asking, Rows
from .core import CHUNK, Core


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Rows on one circuit, asked all in the same way: into their places, or if `with_callback` with get-callbacks.

    All but `rows` is true of a channel as long as it counts as many losses as in `losses`: type, length, circuit and chid
    change with the connection only.
    """

    circuit: int
    with_callback: bool
    rows: Rows
    channels: Rows
    losses: NDArray[np.int32]
    types: NDArray[np.uint8]
    codes: list[int]
    counts: list[int]
    chids: list[int]
    addresses: list[int]
    """Of their places; empty if `with_callback`."""

    def __len__(self) -> int:
        return len(self.rows)


def chunks_of(core: Core, asking: Asking, rows: Rows, channels: Rows) -> list[Chunk]:
    """The rows in chunks. Get-callbacks last: while they come in, they and the calls that go out wait for each other (the
    GIL).
    """
    circuits, with_callback = core.table.circuit[channels], asking.with_callback(channels)
    order = np.lexsort((circuits, with_callback))
    bounds = np.flatnonzero(np.diff(circuits[order]) | np.diff(with_callback[order])) + 1
    return [
        _chunk(core, asking, rows[part], channels[part])
        for group in np.split(order, bounds)
        for part in np.split(group, range(CHUNK, len(group), CHUNK))
        if len(part)
    ]


def _chunk(core: Core, asking: Asking, rows: Rows, channels: Rows) -> Chunk:
    table = core.table
    types, with_callback = table.dbr_type[channels], bool(asking.with_callback(channels[:1])[0])
    return Chunk(
        circuit=int(table.circuit[channels[0]]),
        with_callback=with_callback,
        rows=rows,
        channels=channels,
        losses=table.losses[channels],
        types=types,
        codes=(types + asking.base).tolist(),
        counts=[asking.count if with_callback else 1] * len(rows),
        chids=table.chid[channels].tolist(),
        addresses=[] if with_callback else asking.places.addresses(channels, types).tolist(),
    )


class Listing:
    """A list of PVs as the table knows it: its `channels`, each once and rising, and where among them each PV is found."""

    def __init__(self, numbers: Rows) -> None:
        self.numbers = numbers
        self.channels, self.places = np.unique(numbers, return_inverse=True)
        self._with_properties: Listing | None = None
        self._chunks: list[Chunk] = []
        self._losses: NDArray[np.int32] | None = None

    def with_properties(self, core: Core) -> Listing:
        """Those that are connected and have metadata besides their length."""
        table, channels = core.table, self.channels
        asked = channels[table.connected[channels] & (table.dbr_type[channels] != DbrType.STRING)]
        if self._with_properties is None or not np.array_equal(asked, self._with_properties.channels):
            self._with_properties = Listing(asked)
        return self._with_properties

    def chunks(self, core: Core, asking: Asking) -> list[Chunk]:
        """All of it in chunks, always for the same `asking`; only while all channels can be asked."""
        losses = core.table.losses[self.channels]
        if self._losses is None or not np.array_equal(losses, self._losses):
            self._chunks = chunks_of(core, asking, np.arange(len(self.channels)), self.channels)
            self._losses = losses
        return self._chunks
