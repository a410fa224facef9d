"""Slots: the one place per channel into which libca writes the answer to a scalar get.

Decided: the memory is mapped once, for as many channels as there can be, and is never moved or freed while libca may still
write to it; pages that no channel uses cost nothing. A slot has an answer when the high byte of its status is no longer
EMPTY: real statuses are small. (ca_pend_io cannot be waited on: one refused get makes it wait for its whole timeout.)
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np
from epicscorelibs.ca import dbr
from numpy.typing import NDArray

from snapioc.model import DTYPES, MAX_STRING, DbrType

from ..get import Reply
from ..reply_content import TIME

CAPACITY = 1 << 22
"""Channels in the life of a process."""

EMPTY = 0xFF
HIGH_BYTE = 1
"""Of the status, with which every DBR structure begins."""

_NUMBER, _TEXT = 24, 56
"""Bytes of a slot: the largest DBR_TIME structure of a number, and that of a text."""

HEADER: np.dtype[Any] = np.dtype([("status", "<u2"), ("severity", "<u2"), ("seconds", "<u4"), ("nanoseconds", "<u4")])
"""How every DBR_TIME structure begins (db_access.h)."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was in some slots of one type, in their order."""

    header: NDArray[Any]
    bits: NDArray[np.uint64]
    texts: list[bytes]


class Slots:
    """A slot per channel number; a channel has one for numbers and one for a text, and uses one of them."""

    def __init__(self) -> None:
        self._numbers = mapped(_NUMBER)
        self._texts = mapped(_TEXT)

    def release(self) -> None:
        """Give the memory back, once libca has closed all channels."""
        self._numbers, self._texts = self._numbers[:0].copy(), self._texts[:0].copy()

    def addresses(self, channels: NDArray[np.intp], dbr_types: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """Where the slots of these channels are, for answers of these types."""
        numbers = channels.astype(np.uint64)
        in_texts, in_numbers = numbers * _TEXT + self._texts.ctypes.data, numbers * _NUMBER + self._numbers.ctypes.data
        addresses: NDArray[np.uint64] = np.where(dbr_types == DbrType.STRING, in_texts, in_numbers)
        return addresses

    def prepare(self, channels: NDArray[np.intp], dbr_types: NDArray[np.uint8]) -> None:
        """Make the slots ready; only while libca owes none of these channels an answer."""
        self._numbers[channels, HIGH_BYTE] = EMPTY
        self._texts[channels[dbr_types == DbrType.STRING], HIGH_BYTE] = EMPTY

    def filled(self, channels: NDArray[np.intp], dbr_types: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether an answer has begun to arrive. It is whole after the next call of libca that takes its lock."""
        filled: NDArray[np.bool_] = self._numbers[channels, HIGH_BYTE] != EMPTY
        texts = np.flatnonzero(dbr_types == DbrType.STRING)
        filled[texts] = self._texts[channels[texts], HIGH_BYTE] != EMPTY
        return filled

    def answers(self, channels: NDArray[np.intp], dbr_type: DbrType) -> Answers:
        """Copies of what is in the slots."""
        slots = self._area(dbr_type)[channels]
        header = slots[:, : HEADER.itemsize].copy().view(HEADER)[:, 0]
        offset = OFFSETS[dbr_type]
        bits = np.zeros((len(channels), 8), np.uint8)
        if dbr_type is DbrType.STRING:
            texts = _split(slots[:, offset : offset + MAX_STRING].tobytes())
            return Answers(header, bits.view(np.uint64)[:, 0], texts)
        size = DTYPES[dbr_type].itemsize
        bits[:, :size] = slots[:, offset : offset + size]
        return Answers(header, bits.view(np.uint64)[:, 0], [])

    def _area(self, dbr_type: DbrType) -> NDArray[np.uint8]:
        return self._texts if dbr_type is DbrType.STRING else self._numbers


OFFSETS = {dbr_type: int(dbr.DbrCodeToType[TIME + dbr_type].raw_value.offset) for dbr_type in DbrType}
"""Where in a DBR_TIME structure the value begins."""


def mapped(stride: int) -> NDArray[np.uint8]:
    """Memory for so many bytes per channel that there can be."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    return np.frombuffer(mmap.mmap(-1, CAPACITY * stride, flags=flags), np.uint8).reshape(CAPACITY, stride)


def texts_of(reply: Reply) -> list[bytes]:
    """The texts in a DBR_TIME_STRING reply, each up to its NUL; all of its 40 bytes if a server did not send one."""
    return _split(reply.data[OFFSETS[DbrType.STRING] :])


def _split(raw: bytes) -> list[bytes]:
    return [raw[at : at + MAX_STRING].split(b"\0", 1)[0] for at in range(0, len(raw), MAX_STRING)]
