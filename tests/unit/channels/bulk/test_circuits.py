"""Numbers of circuits."""

from __future__ import annotations

import threading

import numpy as np

from snapioc.channels.bulk.circuits import Beat, Circuits


def in_thread(circuits: Circuits, kept: list[Beat] | None = None) -> int:
    """The key of a thread that ends."""
    keys: list[int] = []

    def work() -> None:
        keys.append(circuits.mine.beat.key)
        if kept is not None:
            kept.append(circuits.mine.beat)
        assert circuits.mine.beat.key == keys[0]

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return keys[0]


def numbers(circuits: Circuits, *keys: int, in_use: tuple[int, ...] = ()) -> list[int]:
    return circuits.numbers(np.array(keys, np.int64), np.array(in_use, np.int32))


def test_each_thread_has_its_own_though_its_ident_may_be_given_again() -> None:
    circuits = Circuits()
    keys = [in_thread(circuits) for _ in range(3)]
    assert len(set(keys)) == 3
    assert numbers(circuits, keys[0], keys[1], keys[0]) == [0, 1, 0]
    assert numbers(circuits, keys[2], in_use=(0, 1)) == [2]
    assert len(circuits) == 3


def test_a_number_that_no_channel_has_is_given_again() -> None:
    circuits = Circuits()
    for _ in range(100):
        key = in_thread(circuits)
        assert numbers(circuits, key)[0] < 2
    assert len(circuits.by_number) <= 2


def test_what_is_heard_is_told_once() -> None:
    circuits, kept = Circuits(), list[Beat]()
    keys = [in_thread(circuits, kept), in_thread(circuits, kept)]
    numbers(circuits, *keys)
    assert circuits.take_heard() == {0, 1}
    assert circuits.take_heard() == set()
    kept[1].heard = True
    assert circuits.take_heard() == {1}
