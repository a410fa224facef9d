"""Which events are changes."""

from __future__ import annotations

from snapioc.model import DbrType, Reason
from snapioc.operations.repeat.changes import Changes

from .events import events

GONE = Reason.DISCONNECTED


def test_first_values_and_bare_reconnections_are_none() -> None:
    changes = Changes(3)
    first, changed = changes.take(events((0, 1.0), (2, 5.0), (0, 2.0)))
    assert first.tolist() == [True, True, False]
    assert changed.tolist() == [False, False, True]
    assert changes.take(events((0, GONE), (2, GONE)))[1].tolist() == [False, False]
    first, changed = changes.take(events((2, 6.0), (0, 2.0)))
    assert (first.any(), changed.tolist()) == (False, [True, False])


def test_events_of_several_pvs_in_one_batch() -> None:
    changes = Changes(2)
    changes.take(events((0, 1.0), (1, 1.0)))
    assert changes.take(events((1, 1.0), (0, 2.0), (0, 2.0), (1, 3.0), (0, 1.0)))[1].tolist() == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert changes.take(events((0, 1.0), (1, 3.0)))[1].tolist() == [False, False]


def test_texts_and_severities() -> None:
    changes = Changes(1)
    changes.take(events((0, b"one"), dbr_type=DbrType.STRING))
    heard = events((0, b"one"), (0, b"two"), (0, b"two"), dbr_type=DbrType.STRING)
    assert changes.take(heard)[1].tolist() == [False, True, False]
    heard.readings.severity[:] = [0, 2, 2]
    assert changes.take(heard)[1].tolist() == [True, True, False]
