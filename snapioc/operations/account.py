"""Account: the verdict on every PV of a restore; what FAILURES shows and the restore record keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Outcomes, PvSet, PvVerdict, Selection

from .state import GroupState, Named

Rows = NDArray[np.intp]


class Account:
    """Rows are those of the snapshot. Whoever is to be written and has no verdict yet counts as not written."""

    def __init__(self, pv_set: PvSet, selection: Selection) -> None:
        self._pvs = pv_set.pvs
        self._chosen = np.sort(np.concatenate([selection.rows, [row for row, _ in selection.left_out]]).astype(np.intp))
        self._verdicts = np.full(len(self._pvs), PvVerdict.NOT_WRITTEN, np.uint8)
        self._texts: dict[int, str] = {}
        self._failed: set[int] = set()
        for row, why in selection.left_out:
            self._verdicts[row], self._texts[row] = PvVerdict.LEFT_OUT, why
        self._left_out = [row for row, _ in selection.left_out]

    def set(self, rows: Rows, verdict: PvVerdict) -> None:
        """These have this verdict, which needs no words, and are no failures."""
        self._verdicts[rows] = verdict
        for row in self._failed.intersection(rows.tolist()):
            self._failed.discard(row)
            del self._texts[row]

    def note(self, row: int, text: str) -> None:
        """Say more of a PV that has not failed."""
        if row not in self._failed:
            known = self._texts.get(row)
            self._texts[row] = f"{known}; {text}" if known else text

    def fail(self, verdict: PvVerdict, why: Mapping[int, str]) -> None:
        """These have failed, each for its reason."""
        self._verdicts[list(why)] = verdict
        self._texts |= why
        self._failed |= why.keys()

    def count(self, *verdicts: PvVerdict) -> int:
        """How many PVs have one of these verdicts."""
        return int(np.count_nonzero(np.isin(self._verdicts[self._chosen], verdicts)))

    def have(self, rows: Rows, *verdicts: PvVerdict) -> NDArray[np.bool_]:
        """Which of these rows have one of these verdicts."""
        mask: NDArray[np.bool_] = np.isin(self._verdicts[rows], verdicts)
        return mask

    @property
    def failures(self) -> Named:
        """The PVs that have failed, in the order of the set, each with its reason."""
        return self._named(sorted(self._failed))

    @property
    def left_out(self) -> Named:
        """The PVs that the rules of a restore leave alone, each with its reason."""
        return self._named(self._left_out)

    def show(self, state: GroupState) -> None:
        """Put the failed PVs into FAILURES, and after them those that were left out, which do not count as failed."""
        failures = self.failures
        state.failed = len(failures)
        state.failures = (*failures, *((pv, f"left out: {why}") for pv, why in self.left_out))

    def outcomes(self) -> Outcomes:
        """All verdicts, for the restore record."""
        return Outcomes(self._chosen.astype(np.int32), self._verdicts[self._chosen], self._texts)

    def _named(self, rows: Sequence[int]) -> Named:
        return tuple((self._pvs[row], self._texts[row]) for row in rows)
