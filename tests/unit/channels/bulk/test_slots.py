"""Slots hold DBR_TIME structures as db_access.h lays them out, and know which have arrived."""

from __future__ import annotations

import ctypes
import struct

import numpy as np
import pytest

from snapioc.channels.bulk.slots import Slots
from snapioc.model import DbrType

LAYOUTS = {
    DbrType.SHORT: ("=HHII2xh", -5, struct.pack("<h", -5)),
    DbrType.FLOAT: ("=HHIIf", 1.5, struct.pack("<f", 1.5)),
    DbrType.ENUM: ("=HHII2xH", 65535, struct.pack("<H", 65535)),
    DbrType.CHAR: ("=HHII3xB", 200, b"\xc8"),
    DbrType.LONG: ("=HHIIi", -7, struct.pack("<i", -7)),
    DbrType.DOUBLE: ("=HHII4xd", 2.5, struct.pack("<d", 2.5)),
}


def of(*channels: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.array(channels, np.intp)


def types(*dbr_types: DbrType) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.array(dbr_types, np.uint8)


def write(address: int, content: bytes) -> None:
    ctypes.memmove(int(address), content, len(content))


@pytest.mark.parametrize("dbr_type", LAYOUTS)
def test_a_number_is_taken_bit_for_bit_with_its_stamps(dbr_type: DbrType) -> None:
    layout, value, raw = LAYOUTS[dbr_type]
    slots = Slots()
    (address,) = slots.addresses(of(5), types(dbr_type)).tolist()
    slots.prepare(of(5), types(dbr_type))
    write(address, struct.pack(layout, 1, 2, 3, 4, value))
    answers = slots.answers(of(5), dbr_type)
    assert answers.bits.tolist() == [int.from_bytes(raw, "little")]
    assert answers.header[0].item() == (1, 2, 3, 4)
    assert answers.texts == []


def test_a_text_ends_at_its_first_nul_or_after_forty_bytes() -> None:
    slots = Slots()
    addresses = slots.addresses(of(1, 2), types(DbrType.STRING, DbrType.STRING)).tolist()
    for address, text in zip(addresses, (b"ab\0cd".ljust(40, b"x"), b"y" * 40), strict=True):
        write(address, struct.pack("=HHII40s", 0, 0, 0, 0, text))
    assert slots.answers(of(1, 2), DbrType.STRING).texts == [b"ab", b"y" * 40]


def test_only_what_has_arrived_is_filled_and_neighbours_are_apart() -> None:
    slots = Slots()
    kinds = types(DbrType.DOUBLE, DbrType.STRING, DbrType.LONG)
    addresses = slots.addresses(of(0, 1, 2), kinds).tolist()
    slots.prepare(of(0, 1, 2), kinds)
    assert slots.filled(of(0, 1, 2), kinds).tolist() == [False] * 3
    write(addresses[1], struct.pack("=HHII40s", 21, 3, 0, 0, b"z" * 40))
    assert slots.filled(of(0, 1, 2), kinds).tolist() == [False, True, False]
    write(addresses[0], struct.pack("=HHII4xd", 0, 0, 0, 0, -1.0))
    assert slots.filled(of(0, 1, 2), kinds).tolist() == [True, True, False]
    slots.prepare(of(0), kinds[:1])
    assert slots.filled(of(0, 1, 2), kinds).tolist() == [False, True, False]
