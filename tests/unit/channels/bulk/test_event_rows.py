"""What subscriptions said, as Readings."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import numpy as np

from snapioc.channels import eca
from snapioc.channels.bulk.event_rows import readings_of
from snapioc.channels.bulk.monitors import LOSS, OVERRUN, REFUSED, Item
from snapioc.channels.reply_content import TIME
from snapioc.model import DbrType, Flag, Metadata, Reason


def core(channels: int) -> Any:
    """The columns that are looked at: channel 0 is described."""
    described = np.zeros(channels, np.uint8)
    described[0] = 2
    count = np.ones(channels, np.int64)
    count[-1] = 5
    table = SimpleNamespace(described=described, metadata=np.zeros(channels, np.int32), element_count=count)
    return SimpleNamespace(table=table, descriptions=SimpleNamespace(metadatas=[Metadata(units="mm")]))


def item(dbr_type: DbrType, padding: int, values: bytes, count: int, seconds: int = 1) -> Item:
    return Item(0, TIME + dbr_type, count, struct.pack("<hhII", 3, 2, seconds, 5) + bytes(padding) + values)


def test_every_kind_of_event_in_its_place() -> None:
    items = [
        item(DbrType.DOUBLE, 4, struct.pack("<d", 1.5), 1),
        item(DbrType.SHORT, 2, struct.pack("<h", -2), 1),
        Item(1, LOSS, 0, b""),
        item(DbrType.DOUBLE, 4, struct.pack("<d", 2.5), 1, seconds=7),
        item(DbrType.LONG, 0, struct.pack("<3i", 1, 2, 3), 3),
        item(DbrType.STRING, 0, b"hello".ljust(40, b"\0"), 1),
        item(DbrType.STRING, 0, b"y" * 39 + b"\0", 1),
        item(DbrType.STRING, 0, b"a".ljust(40, b"\0") + b"b".ljust(40, b"\0"), 2),
        Item(1, OVERRUN, 0, b""),
        Item(1, -eca.ECA_NORDACCESS, 0, b""),
        Item(1, REFUSED, 0, b""),
        item(DbrType.STRING, 0, b"", 0),
        Item(0, 99, 1, b"what is this"),
    ]
    channels = np.array([0, 1, 1, 0, 2, 1, 1, 2, 1, 1, 1, 1, 1])
    readings = readings_of(core(3), items, channels)
    numbers = [readings.value(row) for row in (0, 1, 3)]
    assert numbers == [1.5, -2, 2.5]
    assert readings.dbr_type[[0, 1, 4]].tolist() == [DbrType.DOUBLE, DbrType.SHORT, DbrType.LONG]
    assert [Reason(readings.reason[row]) for row in (2, 8, 9, 10, 12)] == [
        Reason.DISCONNECTED,
        Reason.EVENTS_LOST,
        Reason.NO_READ_ACCESS,
        Reason.READ_REFUSED,
        Reason.UNREADABLE,
    ]
    array = readings.value(4)
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [1, 2, 3]
    assert [readings.value(row) for row in (5, 6, 7, 11)] == [b"hello", b"y" * 39, [b"a", b"b"], b""]
    assert readings.flags[[5, 6, 7]].tolist() == [Flag.NONE, Flag.CUT, Flag.NONE]
    first = readings.reading(3)
    assert (first.status, first.severity, first.timestamp) == (3, 2, 631152007.000000005)
    assert [readings.reading(row).metadata.units for row in (0, 1)] == ["mm", ""]


def test_no_items_are_no_rows() -> None:
    assert len(readings_of(core(1), [], np.zeros(0, np.intp))) == 0
