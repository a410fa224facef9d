"""Readings as blocks: per column and per position of 1,024 slots one block, so that what did not change is the same block.

A position's columns hold `LANES` planes of 1,024 numbers each; slots that hold no member of this version are zero. Texts and
arrays of a position lie in slot order in blocks of whole values of about `PART` bytes; LENGTHS says how long each is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Metadata, Readings

from .blocks import Block

SLOTS = 1024
"""Slots of one position. Part of the stored format."""

PART = 65_536
"""Bytes after which a heap block ends, so that one changed waveform does not store its thousand neighbours again."""


class Column(IntEnum):
    """What a block holds of its slots. Numbers are stored and never change."""

    BITS = 1
    SECONDS = 2
    NANOSECONDS = 3
    ALARM = 4
    SHAPE = 5
    LENGTHS = 6
    HEAP = 7


LANES: MappingProxyType[Column, tuple[np.dtype[Any], int]] = MappingProxyType(
    {
        Column.BITS: (np.dtype("<u8"), 1),
        Column.SECONDS: (np.dtype("<u4"), 1),
        Column.NANOSECONDS: (np.dtype("<u4"), 1),
        Column.ALARM: (np.dtype("<u2"), 2),
        Column.SHAPE: (np.dtype("<u4"), 3),
        Column.LENGTHS: (np.dtype("<u4"), 1),
    }
)
"""Type and number of planes. ALARM: status, severity; SHAPE: reason + 256 type + 65536 flags, count, metadata id or 0."""


class Key(NamedTuple):
    """Where a block belongs in its snapshot; `slot` is the first slot that it covers."""

    column: Column
    slot: int


Planes: TypeAlias = Mapping[Column, NDArray[Any]]
"""Per column an array of the shape (planes, slots)."""


def encode(readings: Readings, slots: NDArray[np.int32], metadata_ids: NDArray[np.int64]) -> dict[Key, Block]:
    """The blocks of a snapshot: row i of the readings lies in `slots[i]`, metadata j is stored as `metadata_ids[j]`."""
    positions = np.unique(slots // SLOTS).tolist()
    planes = _spread(readings, slots, metadata_ids)
    blocks = {}
    for column, (dtype, _) in LANES.items():
        for first in (position * SLOTS for position in positions):
            raw = planes[column][:, first : first + SLOTS].tobytes()
            blocks[Key(column, first)] = Block.of(raw, dtype.itemsize)
    lengths = np.diff(readings.offsets)
    heap = readings.heap if _in_order(slots, lengths) else _reordered(readings.heap, readings.offsets, np.argsort(slots))
    return blocks | _heap_blocks(heap, planes[Column.LENGTHS][0])


def decode(blocks: Mapping[Key, bytes], slots: NDArray[np.int32]) -> tuple[Planes, NDArray[np.int64], bytes]:
    """Planes in the order of `slots`, offsets and heap. Raises ValueError where a block is missing or of the wrong size."""
    positions = np.unique(slots // SLOTS).tolist()
    planes = {column: _gathered(blocks, column, positions) for column in LANES}
    heap = b"".join(blocks[key] for key in sorted(blocks) if key.column is Column.HEAP)
    offsets = running(planes[Column.LENGTHS][0])
    if offsets[-1] != len(heap):
        raise ValueError(f"its texts and arrays have {len(heap)} bytes instead of {offsets[-1]}")
    wanted = {column: plane[:, slots] for column, plane in planes.items()}
    lengths = wanted[Column.LENGTHS][0]
    if not _in_order(slots, lengths):
        heap = _reordered(heap, offsets, slots)
    return wanted, running(lengths), heap


def to_readings(
    planes: Planes, offsets: NDArray[np.int64], heap: bytes, metadata: Mapping[int, Metadata], times: tuple[float, float]
) -> Readings:
    """Readings of decoded planes; `metadata` by its id, `times` of the first request and the last reply."""
    state, count, metadata_ids = planes[Column.SHAPE]
    ids, index = np.unique(metadata_ids, return_inverse=True)
    known = [int(i) for i in ids.tolist() if i]
    return Readings(
        reason=(state & 0xFF).astype("<u1"),
        dbr_type=(state >> 8 & 0xFF).astype("<u1"),
        flags=(state >> 16 & 0xFF).astype("<u1"),
        count=count.view("<i4"),
        status=planes[Column.ALARM][0],
        severity=planes[Column.ALARM][1],
        seconds=planes[Column.SECONDS][0],
        nanoseconds=planes[Column.NANOSECONDS][0],
        bits=planes[Column.BITS][0],
        offsets=offsets,
        heap=heap,
        metadata=(index - (len(ids) - len(known))).astype("<i4"),
        metadatas=tuple(metadata[i] for i in known),
        started=times[0],
        finished=times[1],
    )


def running(lengths: NDArray[Any]) -> NDArray[np.int64]:
    """Offsets of values of these lengths that lie one after the other."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _spread(readings: Readings, slots: NDArray[np.int32], metadata_ids: NDArray[np.int64]) -> Planes:
    state = readings.reason | readings.dbr_type.astype("<u4") << 8 | readings.flags.astype("<u4") << 16
    metadata = np.append(metadata_ids, 0)[readings.metadata]
    sources: dict[Column, Sequence[NDArray[Any]]] = {
        Column.BITS: [readings.bits],
        Column.SECONDS: [readings.seconds],
        Column.NANOSECONDS: [readings.nanoseconds],
        Column.ALARM: [readings.status, readings.severity],
        Column.SHAPE: [state, readings.count.view("<u4"), metadata],
        Column.LENGTHS: [np.diff(readings.offsets)],
    }
    size = (int(slots.max(initial=-1)) // SLOTS + 1) * SLOTS
    planes = {column: np.zeros((lanes, size), dtype) for column, (dtype, lanes) in LANES.items()}
    for column, lanes in sources.items():
        for plane, lane in zip(planes[column], lanes, strict=True):
            plane[slots] = lane
    return planes


def _gathered(blocks: Mapping[Key, bytes], column: Column, positions: Sequence[int]) -> NDArray[Any]:
    dtype, lanes = LANES[column]
    plane = np.zeros((lanes, (max(positions, default=-1) + 1) * SLOTS), dtype)
    for first in (position * SLOTS for position in positions):
        raw = blocks.get(Key(column, first))
        if raw is None or len(raw) != lanes * SLOTS * dtype.itemsize:
            raise ValueError(f"the {column.name} of slots {first} to {first + SLOTS - 1} are not whole")
        plane[:, first : first + SLOTS] = np.frombuffer(raw, dtype).reshape(lanes, SLOTS)
    return plane


def _in_order(slots: NDArray[np.int32], lengths: NDArray[Any]) -> bool:
    """Whether rows with bytes in the heap follow each other in the order of their slots, as in a set never edited."""
    return bool((np.diff(slots[lengths > 0]) > 0).all())


def _reordered(heap: bytes, offsets: NDArray[np.int64], order: NDArray[Any]) -> bytes:
    pairs = zip(offsets[order].tolist(), offsets[order + 1].tolist(), strict=True)
    return b"".join(heap[start:end] for start, end in pairs if start != end)


def _heap_blocks(heap: bytes, lengths: NDArray[Any]) -> dict[Key, Block]:
    offsets = running(lengths)
    blocks = {}
    for first in range(0, len(lengths), SLOTS):
        end = first + SLOTS
        while offsets[first] < offsets[end]:
            past = min(end, int(np.searchsorted(offsets, offsets[first] + PART)))
            blocks[Key(Column.HEAP, first)] = Block.of(heap[offsets[first] : offsets[past]], 1)
            first = past
    return blocks
