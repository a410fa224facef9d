"""What is known of a list of channels, row by row."""

from dataclasses import replace

import numpy as np

from snapioc.model import ChannelStates, DbrType, Metadata
from tests.unit.model.make import live

D, E, T = DbrType.DOUBLE, DbrType.ENUM, DbrType.STRING


def limited(*metadatas: Metadata, unknown: int = 0) -> ChannelStates:
    """Channels with this metadata, and others of which nothing is known yet."""
    size = len(metadatas) + unknown
    numbers = [*range(len(metadatas)), *[-1] * unknown]
    return replace(live(*[(D, 1)] * size), metadata=np.array(numbers, np.int32), metadatas=list(metadatas))


def test_select() -> None:
    whole = replace(live((D, 1), (T, 2), (E, 3, ("a",))), writable=np.array([True, False, True]))
    some = whole.select([2, 1])
    assert (len(some), some.labels(0), some.labels(1)) == (2, ("a",), ())
    assert (some.element_count.tolist(), some.writable.tolist()) == ([3, 2], [True, False])
    assert whole.select([0, 1, 2]) is whole
    assert whole.select([0, 2, 1]) is not whole


def test_labels_that_are_not_known_are_none_and_not_empty() -> None:
    states = limited(Metadata(), Metadata(labels=("Off", "On")), unknown=1)
    assert [states.labels(row) for row in range(3)] == [(), ("Off", "On"), None]


def test_limits_are_the_control_limits() -> None:
    states = limited(Metadata(limits=(90, 80, 70, 60, 50, 40, 30, 20)), Metadata(), unknown=1)
    low, high = states.limits()
    assert (low[0], high[0]) == (20, 30)
    assert np.isnan([*low[1:], *high[1:]]).all()


def test_no_channels_have_no_limits() -> None:
    low, high = live().limits()
    assert (len(low), len(high)) == (0, 0)
