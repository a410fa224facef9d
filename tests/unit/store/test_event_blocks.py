from __future__ import annotations

from dataclasses import replace

import numpy as np

from snapioc.model import Events
from snapioc.store.event_blocks import FIRST_PART, blocks_of
from tests.unit.store.material import doubles, random_bits

IDS = np.array([7], np.int64)


def events(count: int, seed: int) -> Events:
    return Events(np.arange(count) % 10, doubles(random_bits(count, seed), seed=seed))


def test_the_parts_are_none_of_the_values() -> None:
    blocks = blocks_of(events(3000, 0), IDS)
    assert min(part for part, _ in blocks) > FIRST_PART
    assert {first for _, first in blocks} == {0, 1024, 2048}
    assert len({part for part, _ in blocks}) == 7


def test_what_is_the_same_in_every_window_is_the_same_block() -> None:
    first, second = (blocks_of(events(5000, seed), IDS) for seed in (0, 1))
    same = {key for key in first if first[key].digest == second[key].digest}
    assert {part - FIRST_PART for part, _ in set(first) - same} == {1, 3}  # values and nanoseconds
    assert len({block.digest for block in first.values()}) < len(first)


def test_no_events_need_no_blocks() -> None:
    none = Events(np.zeros(0, np.intp), replace(doubles(np.zeros(0)), metadatas=()))
    assert blocks_of(none, np.zeros(0, np.int64)) == {}
