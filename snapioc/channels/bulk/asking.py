"""Asking: what is asked of many channels at once, values or metadata, and where the answers go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


class Places(Protocol):
    """A place per channel number into which libca writes an answer; see `slots`."""

    def addresses(self, channels: Rows, dbr_types: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """Where the places of these channels are, for answers of these types."""

    def prepare(self, channels: Rows, dbr_types: NDArray[np.uint8]) -> None:
        """Make the places ready; only while libca owes none of these channels an answer."""

    def filled(self, channels: Rows, dbr_types: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether an answer has begun to arrive."""


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """`base` is added to a channel's type; those that `with_callback` tells are asked for `count` elements (0: all) with
    get-callbacks, the others for one element into `places`.
    """

    places: Places
    base: int
    count: int
    with_callback: Callable[[Rows], NDArray[np.bool_]]
