"""ChannelStates: what the CA client knows of a list of channels at this moment, without asking the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ChannelStates:
    """Columns with one row per PV; type, length and labels are those of the last connection (0 and empty: none yet)."""

    ever_connected: NDArray[np.bool_]
    connected: NDArray[np.bool_]
    readable: NDArray[np.bool_]
    writable: NDArray[np.bool_]
    dbr_type: NDArray[np.uint8]
    element_count: NDArray[np.int32]
    labels: tuple[tuple[str, ...] | None, ...]
    """Per row the enum labels: empty for what has none, None where they are not known (yet)."""

    def __len__(self) -> int:
        return len(self.connected)

    def select(self, rows: Sequence[int]) -> ChannelStates:
        """The given rows, in the order given."""
        index = np.asarray(rows, np.intp)
        return ChannelStates(
            **{name: getattr(self, name)[index] for name in _COLUMNS}, labels=tuple(self.labels[row] for row in rows)
        )


_COLUMNS = ("ever_connected", "connected", "readable", "writable", "dbr_type", "element_count")
