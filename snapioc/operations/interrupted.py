"""Interrupted: what is found of a restore that the last stop of the IOC interrupted, in words, counts and verdicts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from snapioc.model import (
    AFTER_RESTORE,
    Aftermath,
    NewSnapshot,
    Outcomes,
    PvVerdict,
    Readings,
    ReadingsBuilder,
    Reason,
    RestoreEnd,
    RestoreRecord,
    Snapshot,
    StoreError,
    classify,
    value_text,
)

from .state import GroupState, Named, Result
from .wording import pvs_of

_FAILED = (PvVerdict.SOMETHING_ELSE, PvVerdict.UNREACHABLE)


@dataclass(frozen=True, slots=True, eq=False)
class Interrupted:
    """How an unfinished restore is to be ended and shown; `restored` of `total` PVs hold what they were to hold."""

    record: RestoreRecord
    message: str
    written: int = 0
    outcomes: Outcomes = field(default_factory=Outcomes)
    left: NewSnapshot | None = None
    total: int = 0
    restored: int = 0
    failures: Named = ()

    @property
    def end(self) -> RestoreEnd:
        """What the store is told."""
        return RestoreEnd(Result.INTERRUPTED.name.lower(), self.message, self.written, self.outcomes)

    def show(self, state: GroupState, *, asked: bool) -> None:
        """Make it the last operation of a group; `asked`: it was put to this group."""
        for name in ("skipped", "unchanged", "invalid"):
            setattr(state, name, 0)
        state.total, state.done = self.total, self.restored
        state.failures, state.failed = self.failures, len(self.failures)
        # How long it ran nobody knows, and 100 is for an operation that finished.
        state.elapsed, state.progress = 0.0, 99.0 * self.restored / max(self.total, 1)
        state.show_all = f"snapioc restore-log {self.record.id}"
        state.result, state.message = Result.INTERRUPTED, self.message
        if asked and self.record.new.undoes is None:
            state.restore_id = self.record.new.snapshot_id


def planned(before: Snapshot) -> NDArray[np.intp]:
    """The rows that a restore was to write, rising: those whose values it kept."""
    return np.flatnonzero(before.readings.reason != Reason.NOT_ASKED)


def nothing_written(record: RestoreRecord) -> Interrupted:
    """A restore that never came to write."""
    return Interrupted(record, f"{_was_interrupted(record)} before it wrote anything: nothing was written")


def way_back_lost(record: RestoreRecord, why: Exception, restored: Snapshot | StoreError) -> Interrupted:
    """A restore of which the values before it cannot be read, and so not which PVs it was to write.

    All that the restored snapshot holds counts as written, as it may have been: UNDO then says what is lost, and does not
    pass over this restore to an older one.
    """
    most = 0 if isinstance(restored, StoreError) else int(np.count_nonzero(restored.readings.ok))
    message = (
        f"{_was_interrupted(record)}; what it has written is not known, and UNDO may not be able to take it back: {why}"
    )
    return Interrupted(record, message, max(most, 1))


def classed(record: RestoreRecord, before: Snapshot, restored: Snapshot | StoreError, now: Readings) -> Interrupted:
    """A restore of which every planned PV is classed; `now` holds what these read, a row each.

    If the restored snapshot cannot be read, no PV is known to be restored: what does not hold its previous value holds
    something else.
    """
    rows, pvs = planned(before), before.pv_set.pvs
    wanted, unknown = _wanted(before, restored)
    previous = before.readings.select(rows)
    after = classify(wanted.select(rows), previous, now, *(tolerance[rows] for tolerance in before.pv_set.tolerances))
    texts = _texts(after, wanted.select(rows), previous, now)
    message = f"{_was_interrupted(record)} {_how_far(after)}{unknown}; {_way_back(record, after)}"
    return Interrupted(
        record,
        message,
        int(np.count_nonzero(after.touched)),
        Outcomes(rows.astype(np.int32), after.verdicts, {int(rows[i]): text for i, text in texts.items()}),
        _left(record, before, now, after),
        total=len(rows),
        restored=after.count(PvVerdict.RESTORED),
        failures=tuple((pvs[rows[i]], text) for i, text in texts.items()),
    )


def _wanted(before: Snapshot, restored: Snapshot | StoreError) -> tuple[Readings, str]:
    """What the PVs of the set were to hold, and if that is not known a clause that says why."""
    if isinstance(restored, Snapshot) and restored.pv_set.pvs == before.pv_set.pvs:
        return restored.readings, ""
    why = restored if isinstance(restored, StoreError) else f"{restored.header.id} is of another version of the set"
    lost = ReadingsBuilder(len(before.pv_set.pvs)).build()
    return lost, f"; what they were to hold is not known: {why}"


def _texts(after: Aftermath, wanted: Readings, previous: Readings, now: Readings) -> dict[int, str]:
    """Per row of those that have failed what is to be said of it."""
    texts: dict[int, str] = {}
    for row in after.rows(*_FAILED):
        if not now.ok[row]:
            texts[row] = Reason(now.reason[row]).text
            continue
        held = f"the snapshot holds {value_text(wanted.reading(row))}, " if wanted.ok[row] else ""
        before = value_text(previous.reading(row))
        texts[row] = f"reads {value_text(now.reading(row))}; {held}before the restore it was {before}"
    return texts


def _left(record: RestoreRecord, before: Snapshot, now: Readings, after: Aftermath) -> NewSnapshot | None:
    """What was read of the PVs that do not hold bit for bit what was to be written; not of those as they were before."""
    places = np.flatnonzero(~after.exact)
    if not len(places):
        return None
    as_before = np.flatnonzero(~after.touched)
    now = now.patched(as_before, ReadingsBuilder(len(as_before), Reason.NOT_WRITTEN).build())
    readings = now.select(places).spread(planned(before)[places].tolist(), len(before.pv_set.pvs))
    return NewSnapshot(before.pv_set, readings, kind=AFTER_RESTORE, origin=record.new.origin)


def _was_interrupted(record: RestoreRecord) -> str:
    new = record.new
    title = f"Restore of {new.snapshot_id}" if new.undoes is None else f"Undo of restore {new.undoes}"
    return f"{title} was interrupted"


def _how_far(after: Aftermath) -> str:
    unreachable = after.count(PvVerdict.UNREACHABLE)
    previous, other = after.count(PvVerdict.PREVIOUS), after.count(PvVerdict.SOMETHING_ELSE)
    parts = [f"{after.count(PvVerdict.RESTORED)} restored"]
    parts += [f"{previous} still {_hold(previous)} what {'it' if previous == 1 else 'they'} held before"] if previous else []
    parts += [f"{other} {_hold(other)} something else"] if other else []
    parts += [f"{unreachable} could not be read"] if unreachable else []
    written = int(np.count_nonzero(after.touched)) - unreachable
    return f"after {written} of {pvs_of(len(after.verdicts))}: {', '.join(parts)}"


def _hold(count: int) -> str:
    return "holds" if count == 1 else "hold"


def _way_back(record: RestoreRecord, after: Aftermath) -> str:
    if not after.touched.any():
        return "nothing was written"
    return f"the values before it are in {record.undo_id}: UNDO takes it back"
