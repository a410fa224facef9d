"""The values of a selected snapshot as rows of a page, and what the machine holds now beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Readings, Reason, Severity, Snapshot, Verdict, compare, matches, reading_time, shown

from ..wording import short


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One PV as it was stored, in a person's words."""

    pv: str
    value: str
    units: str
    severity: Severity
    time: str


@dataclass(frozen=True, slots=True)
class LiveValue:
    """What a PV holds now, and whether that differs from what was stored."""

    text: str = ""
    differs: bool = False


def chosen_rows(snapshot: Snapshot, filter_text: str) -> NDArray[np.intp]:
    """The rows that a snapshot was asked for and the filter chooses; some milliseconds for 10,000 PVs."""
    wanted = snapshot.readings.reason != Reason.NOT_ASKED
    if filter_text:
        wanted &= np.array(matches(snapshot.pv_set.pvs, filter_text), bool)
    return np.flatnonzero(wanted)


def value_row(snapshot: Snapshot, row: int) -> ValueRow:
    """A row as `snapioc show` prints it."""
    reading = snapshot.readings.reading(row)
    severity = Severity(min(reading.severity, Severity.INVALID))
    return ValueRow(
        pv=snapshot.pv_set.pvs[row],
        value=short(shown(reading)),
        units=reading.metadata.units,
        severity=severity,
        time=reading_time(snapshot.readings, row, 3) or "",
    )


def live_values(snapshot: Snapshot, rows: NDArray[np.intp], live: Readings) -> tuple[LiveValue, ...]:
    """Row i of `live` belongs to `rows[i]` of the snapshot; they are compared within the tolerances of its set."""
    abs_tol, rel_tol = (column[rows] for column in snapshot.pv_set.tolerances)
    verdicts = compare(snapshot.readings.select(rows), live, abs_tol, rel_tol)
    differ = (verdicts == Verdict.DIFFERENT) | (verdicts == Verdict.MISSING)
    return tuple(LiveValue(short(shown(live.reading(i))), bool(differ[i])) for i in range(len(rows)))
