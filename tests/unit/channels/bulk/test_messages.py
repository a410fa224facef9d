"""Messages lie in memory as libca takes them."""

from __future__ import annotations

import ctypes
import struct

import numpy as np

from snapioc.channels.bulk.messages import HEADER, messages_of
from snapioc.model import DbrType, ReadingsBuilder


def test_every_kind_of_value_lies_where_its_address_says() -> None:
    builder = ReadingsBuilder(8)
    builder.add(0, DbrType.DOUBLE, 2.5)
    builder.add(1, DbrType.SHORT, -3)
    builder.add(2, DbrType.STRING, b"text")
    builder.add(3, DbrType.LONG, np.array([1, 2, 3], np.int32))
    builder.add(4, DbrType.STRING, [b"a", b"bc"])
    builder.add(5, DbrType.STRING, b"l" * 60)
    builder.add(6, DbrType.DOUBLE, np.zeros(0))
    builder.add(7, DbrType.STRING, b"")
    messages = messages_of(builder.build())
    assert messages.long_text.tolist() == [False] * 5 + [True] + [False] * 2
    assert messages.count.tolist() == [1, 1, 1, 3, 2, 61, 0, 1]
    assert messages.dbr_type.tolist() == [6, 1, 0, 5, 0, 4, 6, 0]
    assert (messages.size - HEADER).tolist() == [8, 2, 40, 12, 80, 61, 0, 40]
    expected = {
        0: struct.pack("<d", 2.5),
        1: struct.pack("<h", -3),
        2: b"text\0",
        3: struct.pack("<3i", 1, 2, 3),
        4: b"a".ljust(40, b"\0") + b"bc".ljust(40, b"\0"),
        5: b"l" * 60 + b"\0",
        7: b"\0",
    }
    for row, content in expected.items():
        assert ctypes.string_at(int(messages.address[row]), len(content)) == content
