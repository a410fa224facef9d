"""Readings and events one after the other as one."""

from __future__ import annotations

import numpy as np
import pytest

from snapioc.model import DbrType, Events, Metadata, Readings, ReadingsBuilder, Reason, joined_events, joined_readings


def part(*values: object, started: float = 0.0, **metadata: str) -> Readings:
    builder = ReadingsBuilder(len(values), Reason.NO_ANSWER)
    known = Metadata(**metadata) if metadata else None  # type: ignore[arg-type]
    for row, value in enumerate(values):
        if isinstance(value, bytes):
            builder.add(row, DbrType.STRING, value, metadata=known)
        elif value is not None:
            builder.add(row, DbrType.DOUBLE, value, seconds=row, metadata=known)  # type: ignore[arg-type]
    return builder.build(started, started + 1)


def test_rows_stand_in_their_order_with_all_that_is_known_of_them() -> None:
    parts = [
        part(1.0, b"text", units="A"),
        part(None, started=5),
        part(np.array([2.0, 3.0]), b"", units="B"),
        part(4.0, units="A"),
    ]
    joined = joined_readings(parts)
    rows = [part.reading(row) for part in parts for row in range(len(part))]
    for row, expected in enumerate(rows):
        found = joined.reading(row)
        np.testing.assert_equal(found.value, expected.value)
        assert (found.reason, found.metadata, found.timestamp) == (expected.reason, expected.metadata, expected.timestamp)
    assert [metadata.units for metadata in joined.metadatas] == ["A", "B"]
    assert (joined.started, joined.finished) == (0.0, 6.0)


def test_one_part_is_itself_and_none_is_an_error() -> None:
    one = part(1.0)
    assert joined_readings([one]) is one
    with pytest.raises(ValueError, match="nothing to join"):
        joined_readings([])


def test_events() -> None:
    joined = joined_events([Events(np.array([3, 1]), part(1.0, 2.0)), Events(np.array([3]), part(3.0))])
    assert joined.rows.tolist() == [3, 1, 3]
    assert [joined.readings.value(row) for row in range(3)] == [1.0, 2.0, 3.0]
