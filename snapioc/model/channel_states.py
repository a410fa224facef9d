"""ChannelStates: what the CA client knows of a list of channels at this moment, without asking the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .reading import LIMITS, Metadata

_LOW, _HIGH = LIMITS.index("lower_ctrl_limit"), LIMITS.index("upper_ctrl_limit")


@dataclass(frozen=True, slots=True, eq=False)
class ChannelStates:
    """Columns with one row per PV; type and length are those of the last connection (0: none yet).

    `metadata` indexes `metadatas`; -1: nothing is known (yet) of this connection.
    """

    ever_connected: NDArray[np.bool_]
    connected: NDArray[np.bool_]
    readable: NDArray[np.bool_]
    writable: NDArray[np.bool_]
    dbr_type: NDArray[np.uint8]
    element_count: NDArray[np.int32]
    metadata: NDArray[np.int32]
    metadatas: Sequence[Metadata]

    def __len__(self) -> int:
        return len(self.connected)

    def labels(self, row: int) -> tuple[str, ...] | None:
        """The enum labels: empty for what has none, None where they are not known."""
        number = int(self.metadata[row])
        return self.metadatas[number].labels if number >= 0 else None

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lower and upper control limits, a row per PV; NaN where there are none, or none are known."""
        ends = [(m.limits[_LOW], m.limits[_HIGH]) if m.limits else (np.nan, np.nan) for m in self.metadatas]
        # The last is for -1.
        columns = np.array([*ends, (np.nan, np.nan)])[self.metadata]
        return columns[:, 0], columns[:, 1]

    def select(self, rows: Sequence[int] | NDArray[np.intp]) -> ChannelStates:
        """The given rows, in the order given."""
        index = np.asarray(rows, np.intp)
        if len(index) == len(self) and np.array_equal(index, np.arange(len(self))):
            return self
        return replace(self, **{name: getattr(self, name)[index] for name in _COLUMNS})


_COLUMNS = ("ever_connected", "connected", "readable", "writable", "dbr_type", "element_count", "metadata")
