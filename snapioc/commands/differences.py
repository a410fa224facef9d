"""Two snapshots against each other, PV by PV, matched by name; pure.

What only one of them asked for is no difference: a snapshot before a restore holds only what the restore was to write, and
a set may have changed. It is counted as unknown, with what is missing on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snapioc.model import PvSet, Readings, Reason, SnapError, Snapshot, Verdict, compare, matches


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Row i of both Readings and of `verdicts` belongs to `pvs[i]`; what a snapshot was not asked for is missing there."""

    pvs: tuple[str, ...]
    stored: Readings
    other: Readings
    verdicts: tuple[Verdict, ...]

    @property
    def differing(self) -> list[int]:
        """The rows that differ, those that could be read on one side only among them."""
        return [row for row, verdict in enumerate(self.verdicts) if verdict in (Verdict.DIFFERENT, Verdict.MISSING)]

    @property
    def equal(self) -> int:
        """How many PVs are equal within the tolerances."""
        return self.verdicts.count(Verdict.EQUAL)

    @property
    def unknown(self) -> int:
        """How many PVs cannot be compared: missing on both sides, or not part of both snapshots."""
        return self.verdicts.count(Verdict.UNKNOWN)


def compare_snapshots(stored: Snapshot, other: Snapshot, filter_text: str = "") -> Comparison:
    """Compare the PVs that the filter chooses, within the tolerances of the set version of `stored`.

    A readback is compared within the tolerances of its setpoint. Raises SnapError if the filter chooses no PV, or no PV is
    part of both.
    """
    pvs = chosen_pvs([*stored.pv_set.pvs, *other.pv_set.pvs], filter_text)
    tolerances = _tolerances(stored.pv_set)
    pairs = [tolerances.get(pv, (0.0, 0.0)) for pv in pvs]
    left, right = _aligned(stored, pvs), _aligned(other, pvs)
    verdicts = compare(left, right, np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs]))
    not_in_both = (left.reason == Reason.NOT_ASKED) | (right.reason == Reason.NOT_ASKED)
    if not_in_both.all():
        raise SnapError(f"no PV is part of both {stored.header.id} and {other.header.id}")
    verdicts[not_in_both] = Verdict.UNKNOWN
    return Comparison(pvs, left, right, tuple(Verdict(verdict) for verdict in verdicts.tolist()))


def chosen_pvs(pvs: Sequence[str], filter_text: str) -> tuple[str, ...]:
    """The PVs that the filter chooses, each once. Raises SnapError if there are none."""
    names = list(dict.fromkeys(pvs))
    chosen = tuple(pv for pv, wanted in zip(names, matches(names, filter_text), strict=True) if wanted)
    if not chosen:
        raise SnapError(f"the filter {filter_text!r} matches none of the {len(names)} PVs")
    return chosen


def _tolerances(pv_set: PvSet) -> dict[str, tuple[float, float]]:
    readbacks = {member.readback: (member.abs_tol, member.rel_tol) for member in pv_set.members if member.readback}
    return readbacks | {member.pv: (member.abs_tol, member.rel_tol) for member in pv_set.members}


def _aligned(snapshot: Snapshot, pvs: Sequence[str]) -> Readings:
    rows = np.array([snapshot.pv_set.rows.get(pv, -1) for pv in pvs], np.intp)
    absent = rows < 0
    picked = snapshot.readings.select(np.where(absent, 0, rows))
    return replace(picked, reason=np.where(absent, np.uint8(Reason.NOT_ASKED), picked.reason))
