"""A Collector makes the very Readings that a ReadingsBuilder makes."""

from __future__ import annotations

import struct

import numpy as np

from snapioc.channels.bulk.collector import Collector
from snapioc.channels.bulk.slots import HEADER, Answers
from snapioc.channels.get import Reply
from snapioc.model import DbrType, Flag, Metadata, Readings, ReadingsBuilder, Reason

STAMPS = {"status": 1, "severity": 2, "seconds": 3, "nanoseconds": 4}
HEAD = np.array([(1, 2, 3, 4)], HEADER)
A, B = Metadata(units="A"), Metadata(units="B")


def rows(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.array(numbers, np.intp)


def same(one: Readings, other: Readings) -> bool:
    names = ("reason", "dbr_type", "flags", "count", "bits", "status", "severity", "seconds", "nanoseconds", "offsets")
    return one.heap == other.heap and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_every_kind_of_row_is_as_the_builder_makes_it() -> None:
    collector = Collector(6)
    bits = np.array([struct.unpack("<Q", struct.pack("<d", 2.5))[0]], np.uint64)
    collector.scalars(rows(0), DbrType.DOUBLE, Answers(HEAD, bits, []), np.array([0], np.int32))
    collector.scalars(rows(1), DbrType.STRING, Answers(HEAD, bits * 0, [b"text"]), np.array([1], np.int32))
    longs = struct.pack("=HHII2i", 1, 2, 3, 4, 5, 6)
    replies = [Reply(1, 19, 2, longs), Reply(1, 19, 1, longs[:16]), Reply(1, 19, 0, longs[:12])]
    collector.arrays(rows(2, 3, 4), DbrType.LONG, replies, np.array([1, 1, 1], np.int32))
    collector.missing(rows(5), Reason.DISCONNECTED)
    built = collector.build(np.arange(6), [A, B], 1.0, 2.0)

    builder = ReadingsBuilder(6)
    builder.add(0, DbrType.DOUBLE, 2.5, metadata=A, **STAMPS)
    builder.add(1, DbrType.STRING, b"text", metadata=B, **STAMPS)
    for row, value in ((2, [5, 6]), (3, [5]), (4, [])):
        builder.add(row, DbrType.LONG, np.array(value, np.int32), metadata=B, **STAMPS)
    builder.missing(5, Reason.DISCONNECTED)
    assert same(built, builder.build())
    assert [built.reading(row).metadata.units for row in range(5)] == ["A", "B", "B", "B", "B"]
    assert (built.started, built.finished) == (1.0, 2.0)


def test_texts_are_cut_and_said_to_be() -> None:
    collector = Collector(2)
    collector.texts(0, [b"x" * 40], STAMPS, -1)
    collector.texts(1, [b"y" * 40, b"z"], STAMPS, -1)
    collector.cut(0, 39)
    collector.cut(1, 39)
    built = collector.build(np.arange(2), [], 0.0, 0.0)
    assert built.value(0) == b"x" * 39
    assert built.value(1) == [b"y" * 39, b"z"]
    assert built.flags.tolist() == [Flag.CUT, Flag.CUT]
    assert built.metadata.tolist() == [-1, -1]


def test_a_pv_may_stand_in_the_list_twice_and_unused_metadata_are_left_out() -> None:
    collector = Collector(2)
    collector.texts(1, [b"one"], STAMPS, 1)
    built = collector.build(rows(1, 0, 1), [A, B], 0.0, 0.0)
    assert [built.value(row) for row in range(3)] == [b"one", None, b"one"]
    assert built.reason.tolist() == [Reason.OK, Reason.NO_ANSWER, Reason.OK]
    assert built.metadatas == (B,)
    assert built.metadata.tolist() == [0, -1, 0]
