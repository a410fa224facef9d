"""Left: what a restore leaves its PVs holding, so that UNDO knows what it may overwrite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snapioc.model import AFTER_RESTORE, NewSnapshot, Readings, ReadingsBuilder, Reason

from .order import RestoreOrder
from .planning import Plan


class Left:
    """PVs hold what was written to them, unless they were seen to hold something else; only that is kept."""

    def __init__(self, order: RestoreOrder) -> None:
        self._order = order
        self._size = len(order.snapshot.pv_set.pvs)
        self._seen: Readings | None = None

    def see(self, part: Plan, found: Readings) -> None:
        """Take note of what the PVs of a part hold: what was read of them last, or why they could not be read."""
        other = np.flatnonzero(~found.same_values(part.values))
        before, seen = self._seen, found.select(other).spread(part.rows[other], self._size)
        self._seen = seen if len(other) else None
        if before:
            # Of PVs that could be read again only the last reading is true; that one was never written is final.
            known = found.ok | (found.reason == Reason.NOT_WRITTEN)
            rest = np.setdiff1d(np.flatnonzero(before.reason != Reason.NOT_ASKED), part.rows[known])
            self._seen = seen.patched(rest, before.select(rest)) if len(other) or len(rest) else None

    def moved(self, part: Plan) -> NDArray[np.bool_]:
        """Which PVs of a part do not hold, as far as is known, what they held before it was written."""
        holds = part.values
        if self._seen:
            seen = self._seen.select(part.rows)
            places = np.flatnonzero(seen.reason != Reason.NOT_ASKED)
            holds = holds.patched(places, seen.select(places))
        moved: NDArray[np.bool_] = ~holds.same_values(part.present)
        return moved

    @property
    def unread(self) -> int:
        """How many PVs could not be read after they were written."""
        known = (Reason.OK, Reason.NOT_ASKED, Reason.NOT_WRITTEN)
        return int(np.count_nonzero(~np.isin(self._seen.reason, known))) if self._seen else 0

    def never_written(self, part: Plan) -> None:
        """Take note of PVs that were never written: whatever they hold later is nothing that could be taken back."""
        self.see(part, ReadingsBuilder(len(part), Reason.NOT_WRITTEN).build())

    def snapshot(self) -> NewSnapshot | None:
        """What is to be stored of it."""
        if self._seen is None:
            return None
        return NewSnapshot(self._order.snapshot.pv_set, self._seen, AFTER_RESTORE, origin=self._order.origin)
