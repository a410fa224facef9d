"""Aftermath: what an interrupted restore did to each PV, told from what that was to hold, has held before, and holds now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .compare import Verdict, compare
from .dbr import DbrType
from .readings import Readings
from .restore_record import PvVerdict


@dataclass(frozen=True, slots=True, eq=False)
class Aftermath:
    """Columns with one row per PV that was to be written.

    `verdicts` holds RESTORED, PREVIOUS, SOMETHING_ELSE or UNREACHABLE. `touched`: may have been written, as it is not known
    to hold exactly what it held before. `exact`: holds bit for bit what was to be written.
    """

    verdicts: NDArray[np.uint8]
    touched: NDArray[np.bool_]
    exact: NDArray[np.bool_]

    def count(self, verdict: PvVerdict) -> int:
        """How many PVs have this verdict."""
        return int(np.count_nonzero(self.verdicts == verdict))

    def rows(self, *verdicts: PvVerdict) -> list[int]:
        """The rows with one of these verdicts, rising."""
        rows: list[int] = np.flatnonzero(np.isin(self.verdicts, verdicts)).tolist()
        return rows


def classify(
    wanted: Readings, previous: Readings, now: Readings, abs_tol: NDArray[np.float64], rel_tol: NDArray[np.float64]
) -> Aftermath:
    """What became of each PV, a row each in all arguments.

    The same value counts before one within the tolerances, and the wanted one before the previous one: where these are the
    same, the PV is RESTORED without having been touched.
    """
    as_wanted, as_previous = same(wanted, now), same(previous, now)
    near_wanted, near_previous = (compare(side, now, abs_tol, rel_tol) == Verdict.EQUAL for side in (wanted, previous))
    verdicts = np.select(
        [~now.ok, as_wanted, as_previous, near_wanted, near_previous],
        [PvVerdict.UNREACHABLE, PvVerdict.RESTORED, PvVerdict.PREVIOUS, PvVerdict.RESTORED, PvVerdict.PREVIOUS],
        PvVerdict.SOMETHING_ELSE,
    ).astype(np.uint8)
    return Aftermath(verdicts, ~as_previous, as_wanted & wanted.same_values(now))


def same(stored: Readings, other: Readings) -> NDArray[np.bool_]:
    """True where both hold the same: bit for bit if they are of one type, otherwise by value.

    Enums go by label, as their labels may have moved.
    """
    zero = np.zeros(len(stored))
    equal = compare(stored, other, zero, zero) == Verdict.EQUAL
    other_type = stored.dbr_type != other.dbr_type
    alike: NDArray[np.bool_] = equal & (stored.same_values(other) | other_type | (stored.dbr_type == DbrType.ENUM))
    return alike
