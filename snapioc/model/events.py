"""Events: what PVs did one after the other, where Readings are what they held at one moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .readings import Readings


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Row i of `readings` is what happened to the PV in place `rows[i]` of the list that was subscribed to, or of the set.

    Those of one PV stand in the order in which its server sent them. A PV that went away has a row with its reason.
    """

    rows: NDArray[np.intp]
    readings: Readings

    def __len__(self) -> int:
        return len(self.rows)
