"""RestoreOrder: what is to be restored, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapioc.model import NewRestore, Origin, Readings, Selection, Snapshot

from .state import Policy


@dataclass(frozen=True, slots=True, eq=False)
class TakesBack:
    """The restore that is to be taken back: its id, the snapshot it restored, and what it left the PVs holding.

    `wanted` is what it was to write, and `left` the same but for the PVs that were read to hold something else at its end: a
    late value may have arrived since. Both have a row per PV of the set, NOT_ASKED where that restore was to write nothing.
    What could not be read at its end is missing in `left` with the reason: whether somebody moved it nobody knows, and UNDO
    takes it back.
    """

    restore_id: int
    snapshot_id: int
    wanted: Readings
    left: Readings


@dataclass(frozen=True, slots=True, eq=False)
class RestoreOrder:
    """A snapshot, what was chosen of it, and the inputs of the group; `rate` in PVs per second (0: that of the set).

    With `takes_back` it is an UNDO, and the values have to arrive bit for bit rather than within the tolerances.
    """

    snapshot: Snapshot
    selection: Selection
    filter: str = ""
    policy: Policy = Policy.STRICT
    changed_only: bool = True
    verify: bool = True
    rate: float = 0.0
    origin: Origin = Origin()
    takes_back: TakesBack | None = None

    @property
    def title(self) -> str:
        """The beginning of each MESSAGE."""
        if self.takes_back:
            return f"Undo of the restore of {self.takes_back.snapshot_id}"
        return f"Restore of {self.snapshot.header.id}"

    @property
    def pvs(self) -> Sequence[str]:
        """The canonical names of the PVs that may be written."""
        names, rows = self.snapshot.pv_set.canonical, self.selection.rows
        return names if len(rows) == len(names) else [names[row] for row in rows.tolist()]

    @property
    def chosen(self) -> str:
        """What the filter chose, in words; empty if there is none."""
        if not self.filter:
            return ""
        return f", chosen {self.selection.matched} of {len(self.snapshot.pv_set.members)} (filter {self.filter})"

    @property
    def tolerances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`abs_tol` and `rel_tol` for each PV of the set."""
        abs_tol, rel_tol = self.snapshot.pv_set.tolerances
        return (np.zeros_like(abs_tol), np.zeros_like(rel_tol)) if self.takes_back else (abs_tol, rel_tol)

    def record(self) -> NewRestore:
        """What the store is to keep of it."""
        return NewRestore(
            snapshot_id=self.snapshot.header.id,
            set_name=self.snapshot.header.set_name,
            origin=self.origin,
            filter=self.filter,
            policy=self.policy.name.replace("_", " ").capitalize(),
            changed_only=self.changed_only,
            verify=self.verify,
            undoes=self.takes_back.restore_id if self.takes_back else None,
        )
