"""Golden: a set's reference snapshot, and how far the machine was from it when it was last looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from snapioc.model import (
    LIVE,
    Comparison,
    Readings,
    Reason,
    Snapshot,
    Verdict,
    asked_pvs,
    canonical_name,
    compare_again,
    compare_live,
    found_same,
    largest_first,
    shown,
)

from ..wording import pvs_of, short

ROOM = 16_000
"""Characters of lines that are made, because that takes time: more than a text PV shows."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What is known of the machine's distance from the golden snapshot.

    `count` PVs differ, those that are missing on one side among them; None: it is not known. `lines` are the first of
    them, the largest difference first, and `show_all` shows all.
    """

    count: int | None
    message: str
    lines: tuple[str, ...] = ()
    show_all: str = ""


class Golden:
    """Compares one snapshot with the machine, again and again. One comparison at a time; any thread may make it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot_id = snapshot.header.id
        self.pvs = asked_pvs(snapshot)
        self.canonical = frozenset(map(canonical_name, self.pvs))
        self._snapshot = snapshot
        self._compared: Comparison | None = None
        self._drift: Drift | None = None
        self._stored_texts: dict[int, str] = {}

    def drift(self, live: Readings) -> Drift:
        """How far these readings of `pvs` are from the snapshot; the same object as last time if that is the same."""
        before = self._compared
        after = compare_again(before, live) if before else compare_live(self._snapshot, self.pvs, live)
        if self._drift is None or before is None or not found_same(before, after):
            self._drift = self._told(after)
        self._compared = after
        return self._drift

    def _told(self, compared: Comparison) -> Drift:
        """In words, as far as they are shown."""
        golden, total = compared.names[0], pvs_of(len(compared.pvs))
        if not np.any(compared.verdicts <= Verdict.DIFFERENT):
            none = f"none of its {total} is there on both sides"
            return Drift(None, f"The drift from {golden} is not known: {none}{_missing(compared)}")
        return Drift(compared.different, _message(compared), self._lines(compared), f"snapioc diff {golden} {LIVE}")

    def _lines(self, compared: Comparison) -> tuple[str, ...]:
        lines, room, known = [], ROOM, self._stored_texts
        self._stored_texts = {}  # of those that are shown now, for they are mostly shown next time too
        for row in largest_first(compared).tolist():
            stored = self._stored_texts[row] = known.get(row) or _text(compared.stored, row)
            lines.append(f"{compared.pvs[row]}\t{stored}\t{_text(compared.other, row)}")
            room -= len(lines[-1])
            if room < 0:
                break
        return tuple(lines)


def _message(compared: Comparison) -> str:
    golden, total = compared.names[0], pvs_of(len(compared.pvs))
    differing = f"{compared.different} of {total} differ from {golden}" if compared.different else ""
    equal = f"{compared.equal} of {total} are as in {golden}, the others are unknown"
    all_equal = f"All {total} are as in {golden}"
    return (differing or (equal if compared.unknown else all_equal)) + _missing(compared)


def _missing(compared: Comparison) -> str:
    """How many PVs are missing on either side, and why."""
    rows = compared.verdicts >= Verdict.MISSING
    if not rows.any():
        return ""
    counts: Counter[str] = Counter()
    for name, side in zip(compared.names, (compared.stored, compared.other), strict=True):
        for reason, count in enumerate(np.bincount(side.reason[rows]).tolist()):
            if count and reason != Reason.OK:
                counts[f"{Reason(reason).text} ({name})"] = count
    return f"; {np.count_nonzero(rows)} missing: {', '.join(f'{count} {why}' for why, count in counts.most_common())}"


def _text(readings: Readings, row: int) -> str:
    return short(shown(readings.reading(row)))
