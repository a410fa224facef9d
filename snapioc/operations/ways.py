"""Ways: how each member is to be written, in columns, so that 40,000 members cost no Python work per restore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Member

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """A row per member; `timeout` in seconds and `ramp` in units per second are NaN where the member does not say.

    `order` holds the places of the members' orders among all that there are: an order may be any integer.
    """

    pvs: NDArray[np.object_]
    order: NDArray[np.int64]
    wait: NDArray[np.bool_]
    timeout: NDArray[np.float64]
    ramp: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pvs)

    def select(self, rows: Sequence[int] | Rows) -> Ways:
        """The given rows, in the order given."""
        index = np.asarray(rows, np.intp)
        return Ways(self.pvs[index], self.order[index], self.wait[index], self.timeout[index], self.ramp[index])

    def names(self, rows: Rows) -> list[str]:
        """The PVs of the given rows."""
        names: list[str] = self.pvs[rows].tolist()
        return names


def ways_of(members: Sequence[Member]) -> Ways:
    """How these members are to be written; as members never change, that is worth keeping with their set."""
    pvs = np.empty(len(members), object)
    pvs[:] = [member.pv for member in members]
    places = {order: place for place, order in enumerate(sorted({member.order for member in members}))}
    return Ways(
        pvs,
        np.array([places[member.order] for member in members], np.int64),
        np.array([member.wait for member in members], bool),
        _optional([member.timeout for member in members]),
        _optional([member.ramp for member in members]),
    )


def _optional(numbers: Sequence[float | None]) -> NDArray[np.float64]:
    # numpy takes None for NaN here.
    column: NDArray[Any] = np.array(numbers, np.float64)
    return column
