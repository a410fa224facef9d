"""What is read out of DBR structures, against bytes laid out by hand after db_access.h."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from snapioc.channels.get import Reply
from snapioc.channels.reply_content import CTRL, TIME, characters_of, metadata_of, stamps_of, value_of
from snapioc.model import DbrType, Metadata

HEADER = struct.pack("=hhII", 7, 2, 4_000_000_000, 999_999_999)
PADDING = {DbrType.SHORT: 2, DbrType.ENUM: 2, DbrType.CHAR: 3, DbrType.DOUBLE: 4}


def reply(dbr_type: DbrType, count: int, content: bytes) -> Reply:
    return Reply(1, TIME + dbr_type, count, HEADER + b"\xee" * PADDING.get(dbr_type, 0) + content)


def test_stamps_are_the_integers_that_were_sent() -> None:
    stamps = stamps_of(reply(DbrType.LONG, 0, b""))
    assert stamps == {"status": 7, "severity": 2, "seconds": 4_000_000_000, "nanoseconds": 999_999_999}


@pytest.mark.parametrize(
    ("dbr_type", "content"),
    [
        (DbrType.SHORT, struct.pack("=hh", -32768, 32767)),
        (DbrType.FLOAT, struct.pack("=II", 0x7FA00001, 0xFF800000)),
        (DbrType.ENUM, struct.pack("=HH", 65535, 1)),
        (DbrType.CHAR, b"\xff\x00"),
        (DbrType.LONG, struct.pack("=ii", -(2**31), 2**31 - 1)),
        (DbrType.DOUBLE, struct.pack("=QQ", 0x7FF0000000000001, 0x8000000000000000)),
    ],
)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_numbers_keep_every_bit(dbr_type: DbrType, content: bytes, count: int) -> None:
    value = value_of(reply(dbr_type, count, content), single_text=False)
    assert isinstance(value, np.ndarray)
    assert value.tobytes() == content[: count * len(content) // 2]


def test_texts_end_at_their_nul_or_after_forty_bytes() -> None:
    content = b"a\xe4".ljust(40, b"\0") + b"x" * 40 + b"\0junk".ljust(40, b"j")
    assert value_of(reply(DbrType.STRING, 3, content), single_text=False) == [b"a\xe4", b"x" * 40, b""]
    assert value_of(reply(DbrType.STRING, 1, content), single_text=True) == b"a\xe4"
    assert value_of(reply(DbrType.STRING, 0, b""), single_text=True) == b""
    assert value_of(reply(DbrType.STRING, 0, b""), single_text=False) == []


def test_characters_end_at_their_nul_or_their_count() -> None:
    assert characters_of(reply(DbrType.CHAR, 4, b"ab\0cdef")) == b"ab"
    assert characters_of(reply(DbrType.CHAR, 3, b"abcdef")) == b"abc"


def test_labels_are_read_as_far_as_they_are_said_to_go() -> None:
    labels = b"".join(label.ljust(26, b"\0") for label in (b"Aus", b"\xd6ffnen", b"x" * 26, *[b"junk"] * 13))
    content = struct.pack("=hhh", 0, 0, 3) + labels + struct.pack("=H", 1)
    assert metadata_of(Reply(1, CTRL + DbrType.ENUM, 1, content), 1) == Metadata(labels=("Aus", "Öffnen", "x" * 26))


def test_units_precision_and_limits_in_the_order_of_the_model() -> None:
    content = struct.pack("=hhhh8s", 0, 0, 3, 0, b"\xb5m") + struct.pack("=8d", *range(1, 9)) + struct.pack("=d", 99)
    known = metadata_of(Reply(1, CTRL + DbrType.DOUBLE, 1, content), 5)
    assert known == Metadata("µm", 3, limits=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0), element_count=5)


def test_types_without_precision_have_none() -> None:
    content = struct.pack("=hh8s", 0, 0, b"Amperes8") + struct.pack("=8h", *range(8)) + struct.pack("=h", 1)
    known = metadata_of(Reply(1, CTRL + DbrType.SHORT, 1, content), 1)
    assert (known.units, known.precision) == ("Amperes8", 0)
