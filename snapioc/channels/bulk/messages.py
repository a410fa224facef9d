"""Messages: values as libca takes them, in columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DTYPES, MAX_STRING, DbrType, Readings

HEADER = 24
"""Bytes of a put besides its value, at most (caProto.h)."""


@dataclass(frozen=True, slots=True)
class Messages:
    """A put per row: type, number of elements, where they lie, and bytes on the wire; valid as long as this lives.

    `long_text` tells which rows hold a text that a DBR_STRING cannot hold: those go to `NAME.FIELD$` as characters.
    """

    dbr_type: NDArray[np.uint8]
    count: NDArray[np.int32]
    address: NDArray[np.uint64]
    size: NDArray[np.int64]
    long_text: NDArray[np.bool_]
    _memory: tuple[NDArray[Any], ...]


def messages_of(values: Readings) -> Messages:
    """What has to be put so that channels of these types hold these values."""
    bits = np.append(values.bits, np.uint64(0))
    heap = np.frombuffer(values.heap + b"\0", np.uint8)
    lengths = np.diff(values.offsets)
    dbr_type, count = values.dbr_type.copy(), values.count.copy()
    address = np.arange(len(values), dtype=np.uint64) * 8 + np.uint64(bits.ctypes.data)
    large = values.in_heap
    address[large] = values.offsets[:-1][large].astype(np.uint64) + np.uint64(heap.ctypes.data)
    single = np.flatnonzero((dbr_type == DbrType.STRING) & (count == 1))
    long_text = np.zeros(len(values), bool)
    long_text[single] = lengths[single] >= MAX_STRING
    # A single text has no NUL in the heap.
    texts, starts = _terminated([values.raw(row) for row in single.tolist()])
    address[single] = starts + np.uint64(texts.ctypes.data)
    dbr_type[long_text], count[long_text] = DbrType.CHAR, lengths[long_text] + 1
    size = HEADER + _ITEM_SIZES[dbr_type] * count
    return Messages(dbr_type, count, address, size, long_text, (bits, heap, texts))


def _terminated(texts: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """The texts, each with a NUL at its end, and where each begins."""
    starts = np.zeros(len(texts) + 1, np.uint64)
    np.cumsum([len(text) + 1 for text in texts], out=starts[1:])
    return np.frombuffer(b"\0".join([*texts, b""]) + b"\0", np.uint8), starts[:-1]


_ITEM_SIZES = np.array([DTYPES[DbrType(number)].itemsize for number in range(len(DbrType))], np.int64)
