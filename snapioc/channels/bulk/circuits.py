"""Circuits: which channels share a TCP connection, and on which of those something was heard."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray


class Beat:
    """One receiving thread of libca, which is one circuit; its callbacks set `heard`, and the CA thread takes it back."""

    __slots__ = ("__weakref__", "heard", "key")

    def __init__(self, key: int) -> None:
        self.key, self.heard = key, True


class _Mine(threading.local):
    """The Beat of the thread that asks. A thread's ident would not do: it is given again when the thread has ended."""

    def __init__(self, beats: WeakValueDictionary[int, Beat], keys: Iterator[int]) -> None:
        key = next(keys)
        self.beat = beats[key] = Beat(key)


class Circuits:
    """Numbers of circuits, small enough to be places in arrays; one that no channel has any more is given again."""

    def __init__(self) -> None:
        self._beats: WeakValueDictionary[int, Beat] = WeakValueDictionary()
        self._numbers: dict[int, int] = {}
        self.by_number: dict[int, Beat] = {}
        self.mine = _Mine(self._beats, itertools.count(1))

    def __len__(self) -> int:
        return max(self.by_number, default=-1) + 1

    def numbers(self, keys: NDArray[np.int64], in_use: NDArray[np.int32]) -> list[int]:
        """The numbers of circuits by the keys of their beats; `in_use` are the numbers that channels have now."""
        listed = keys.tolist()
        for key in set(listed) - self._numbers.keys():
            self._forget_unused(set(np.unique(in_use).tolist()) | {self._numbers.get(other, -1) for other in listed})
            number = next(number for number in itertools.count() if number not in self.by_number)
            self._numbers[key] = number
            self.by_number[number] = self._beats.get(key) or Beat(key)  # of a thread that has ended already
        return [self._numbers[key] for key in listed]

    def take_heard(self) -> set[int]:
        """The numbers of those on which anything was heard since the last call."""
        heard = {number for number, beat in self.by_number.items() if beat.heard}
        for number in heard:
            self.by_number[number].heard = False
        return heard

    def _forget_unused(self, in_use: set[int]) -> None:
        for key in [key for key, number in self._numbers.items() if number not in in_use]:
            del self.by_number[self._numbers.pop(key)]
