"""Save: read the whole set at once, commit it, say what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snapioc.model import (
    MANUAL,
    Events,
    NewSnapshot,
    Origin,
    PvSet,
    Readings,
    Reason,
    Severity,
    SnapshotHeader,
    StoreError,
    count_invalid,
)

from .job import Failed, Job
from .plant import Plant, SetSettings
from .state import GroupState, Named, Result, Status
from .wording import pvs_of, reasons


@dataclass(frozen=True, slots=True)
class Labels:
    """What people say of the snapshot that is to be taken, and who asked for it."""

    title: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()
    origin: Origin = Origin()


async def save(job: Job, plant: Plant, settings: SetSettings, labels: Labels) -> SnapshotHeader:
    """Read the set and commit a snapshot with the title, tags and origin of `labels`; the job ends with its result.

    Raises Failed (nothing stored), or Aborted before the commit.
    """
    pv_set, state = settings.pv_set, job.state
    state.total = len(pv_set.pvs)
    await job.step(Status.SAVING, f"Saving {pv_set.name}: {state.total} PVs", 0, 90, state.total)
    readings, events = await job.abortable(_values(job, plant, settings))
    missing = _count(job.state, pv_set, readings)
    if state.done == 0:
        raise Failed(
            f"Nothing saved: none of the {state.total} PVs of {pv_set.name} could be read ({reasons(missing)})", missing
        )
    job.safe_point()
    said = (labels.title, labels.comment, labels.tags, labels.origin)
    snapshot = NewSnapshot(pv_set, readings, MANUAL, *said, events=events)
    try:
        header = await commit(plant, snapshot)
    except StoreError as fault:
        raise Failed(f"Nothing saved: {fault}", missing) from fault
    state.skew = readings.skew * 1e3
    job.end(*_verdict(header, settings, readings, missing))
    return header


async def _values(job: Job, plant: Plant, settings: SetSettings) -> tuple[Readings, Events | None]:
    """What the PVs hold now, or, if WINDOW says so, at the end of a window, with its events."""
    pv_set = settings.pv_set
    if pv_set.name in plant.windows:
        return await plant.windows[pv_set.name](job.advance)
    return await plant.channels.read(pv_set.pvs, settings.read_timeout, job.advance), None


async def commit(plant: Plant, snapshot: NewSnapshot) -> SnapshotHeader:
    """Commit a snapshot and keep STORE_OK true to what happened. Raises StoreError if the store did not take it."""
    try:
        header = await plant.store.save(snapshot)
    except StoreError as fault:
        await plant.store_is(fault)
        raise
    await plant.store_is(None)
    return header


def _count(state: GroupState, pv_set: PvSet, readings: Readings) -> Named:
    rows = np.flatnonzero(~readings.ok).tolist()
    missing = tuple((pv_set.pvs[row], Reason(readings.reason[row]).text) for row in rows)
    state.done, state.failed = len(readings) - len(missing), len(missing)
    state.invalid = count_invalid(readings)
    invalid = np.flatnonzero(readings.ok & (readings.severity == Severity.INVALID)).tolist()
    state.failures = (*missing, *((pv_set.pvs[row], "stored, with INVALID severity") for row in invalid))
    return missing


def _verdict(header: SnapshotHeader, settings: SetSettings, readings: Readings, missing: Named) -> tuple[Result, str]:
    saved = f"Saved {header.id}: {header.ok} of {pvs_of(header.total)} of {header.set_name}"
    details = [f"{len(missing)} missing ({reasons(missing)})"] if missing else []
    if header.invalid:
        details.append(f"{header.invalid} with INVALID severity")
    message = "; ".join([saved, *details])
    if lacking := lack(settings, readings):
        return Result.FAILED, f"{message}; {lacking}"
    return (Result.PARTIAL if missing or header.invalid else Result.SUCCESS), message


def lack(settings: SetSettings, readings: Readings) -> str:
    """Why these readings are not as complete as the set asks for; empty if they are."""
    required = settings.pv_set.required
    lacking = required[~readings.ok[required]]
    if len(lacking):
        first = settings.pv_set.pvs[lacking[0]]
        return f"{pvs_of(len(lacking))} that are required are missing, {first} among them"
    # Less by a rounding error is not less: 0.55 of 100 is 55.000000000000007.
    if np.count_nonzero(readings.ok) < settings.min_complete * len(readings) * (1 - 1e-9):
        return f"that is less than the {settings.min_complete:.4g} that min_complete asks for"
    return ""
