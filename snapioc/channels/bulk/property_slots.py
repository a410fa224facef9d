"""PropertySlots: the one place per channel into which libca writes the metadata of a number (DBR_CTRL)."""

from __future__ import annotations

import numpy as np
from epicscorelibs.ca import dbr
from numpy.typing import NDArray

from snapioc.model import DbrType

from ..reply_content import CTRL
from .asking import Rows
from .slots import EMPTY, HIGH_BYTE, mapped

SIZE = 88
"""Bytes of the largest such structure, dbr_ctrl_double (db_access.h)."""

_WORDS = SIZE // 8
_FACTORS = np.random.default_rng().integers(1, 2**63, _WORDS + 1, np.uint64) * np.uint64(2) + np.uint64(1)
"""For fingerprints that live as long as the process."""


class PropertySlots:
    """As Slots: never moved or freed while libca may write there. Only numbers have one; the labels of enums are large."""

    def __init__(self) -> None:
        self._slots = mapped(SIZE)

    def release(self) -> None:
        """Give the memory back, once libca has closed all channels."""
        self._slots = self._slots[:0].copy()

    def addresses(self, channels: Rows, dbr_types: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """Where the slots of these channels are."""
        addresses: NDArray[np.uint64] = channels.astype(np.uint64) * SIZE + self._slots.ctypes.data
        return addresses

    def prepare(self, channels: Rows, dbr_types: NDArray[np.uint8]) -> None:
        """Make the slots ready; only while libca owes none of these channels an answer."""
        self._slots[channels, HIGH_BYTE] = EMPTY

    def filled(self, channels: Rows, dbr_types: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether an answer has begun to arrive."""
        filled: NDArray[np.bool_] = self._slots[channels, HIGH_BYTE] != EMPTY
        return filled

    def raw(self, channel: int) -> bytes:
        """What is in a slot."""
        return self._slots[channel].tobytes()

    def fingerprints(self, channels: Rows, dbr_types: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """A number for each slot, equal for equal types and metadata, and hardly ever for others; never 0."""
        known = self._slots[channels] & _MASKS[dbr_types]
        with np.errstate(over="ignore"):
            sums = (known.view(np.uint64) * _FACTORS[:_WORDS]).sum(axis=1, dtype=np.uint64)
            sums += (dbr_types.astype(np.uint64) + np.uint64(1)) * _FACTORS[_WORDS]
        return sums | np.uint64(1)


def _mask(dbr_type: DbrType) -> NDArray[np.uint8]:
    """255 where the structure of this type holds metadata: neither the alarm, nor the value, nor filling between fields."""
    mask = np.zeros(SIZE, np.uint8)
    structure = dbr.DbrCodeToType.get(CTRL + dbr_type)
    if structure is not None and dbr_type is not DbrType.ENUM:
        for name, *_ in structure._fields_:  # noqa: SLF001 - ctypes has no other way to list them
            if name not in ("status", "severity", "raw_value") and "pad" not in name.casefold():
                field = getattr(structure, name)
                mask[field.offset : field.offset + field.size] = 255
    return mask


_MASKS = np.array([_mask(DbrType(number)) for number in range(len(DbrType))])
