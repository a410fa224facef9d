"""Compare: a snapshot against another one or the live machine. It writes nothing, neither to machine nor store."""

from __future__ import annotations

import asyncio

import numpy as np

from snapioc.model import (
    Comparison,
    DbrType,
    Difference,
    Readings,
    Severity,
    SnapError,
    Snapshot,
    asked_pvs,
    compare_live,
    compare_snapshots,
    differences,
    largest_first,
)

from .job import Failed, Job
from .plant import Plant
from .state import Compared, Ranked, Result, Status
from .strangers import strangers
from .wording import pvs_of, reasons, short

ROOM = 16_000
"""Characters of lines that are made, because that takes time: more than a text PV shows."""


async def compare(job: Job, plant: Plant, stored: Snapshot, other: Snapshot | None) -> None:
    """Compare with `other`, or with the machine if it is None; the job ends with its result. Raises Failed or Aborted."""
    job.state.compared = Compared()
    title = f"{stored.header.id} with {other.header.id if other else 'the live machine'}"
    try:
        compared = await (_with_snapshot(job, title, stored, other) if other else _with_live(job, plant, title, stored))
    except SnapError as fault:
        raise Failed(f"Compare of {title} failed: {fault}") from fault
    job.state.compared = await job.abortable(asyncio.to_thread(_shown, compared))
    _report(job, compared, title)


async def _with_snapshot(job: Job, title: str, stored: Snapshot, other: Snapshot) -> Comparison:
    job.state.total = stored.header.total
    await job.step(Status.COMPARING, f"Comparing {title}", 0, 90)
    return await job.abortable(asyncio.to_thread(compare_snapshots, stored, other))


async def _with_live(job: Job, plant: Plant, title: str, stored: Snapshot) -> Comparison:
    pvs = asked_pvs(stored)
    timeout = plant.set_of(stored.header.set_name).read_timeout
    job.state.total = len(pvs)
    await job.step(Status.COMPARING, f"Comparing {title}: {pvs_of(len(pvs))}", 0, 90, len(pvs))
    await _connect_strangers(job, plant, pvs, timeout)
    await _refresh_labels(job, plant, stored, timeout)
    live = await job.abortable(plant.channels.read(pvs, timeout, job.advance))
    return await job.abortable(asyncio.to_thread(compare_live, stored, pvs, live))


async def _connect_strangers(job: Job, plant: Plant, pvs: tuple[str, ...], timeout: float) -> None:
    """Give PVs that no set has any more their time to connect."""
    unknown = strangers(plant, pvs)
    if unknown:
        await job.abortable(plant.channels.connect(unknown, max(plant.connect_timeout, timeout)))


async def _refresh_labels(job: Job, plant: Plant, stored: Snapshot, timeout: float) -> None:
    """Have the labels that states have now; other metadata decides nothing here, and would take as long as the values."""
    rows = np.flatnonzero(stored.readings.ok & (stored.readings.dbr_type == DbrType.ENUM)).tolist()
    if rows:
        await job.abortable(plant.channels.refresh([stored.pv_set.pvs[row] for row in rows], timeout))


def _shown(compared: Comparison) -> Compared:
    show_all = f"snapioc diff {' '.join(compared.names)}"
    ranked = Ranked(compared, largest_first(compared))
    return Compared(compared.equal, compared.different, compared.unknown, _lines(ranked), show_all, ranked)


def _lines(ranked: Ranked) -> tuple[str, ...]:
    lines, room = [], ROOM
    for line in map(_line, differences(ranked.comparison, ranked.rows)):
        lines.append(line)
        room -= len(line)
        if room < 0:
            break
    return tuple(lines)


def _line(difference: Difference) -> str:
    return "\t".join([difference.pv, short(difference.stored), short(difference.other), difference.difference])


def _report(job: Job, compared: Comparison, title: str) -> None:
    state, missing = job.state, compared.missing
    state.total, state.failed = len(compared.pvs), len(missing)
    state.done = state.total - state.failed
    state.invalid = _count_invalid(compared.stored, compared.other)
    state.failures = missing
    why = f"; {len(missing)} missing: {reasons(missing)}" if missing else ""
    if not state.done:
        raise Failed(f"Compare of {title} failed: none of {pvs_of(state.total)} is there on both sides{why}")
    counts = f"{compared.equal} equal, {compared.different} different, {compared.unknown} unknown"
    job.end(Result.PARTIAL if missing else Result.SUCCESS, f"Compared {title}: {counts}{why}")


def _count_invalid(*sides: Readings) -> int:
    """How many PVs have INVALID severity on either side."""
    return int(np.count_nonzero(np.any([side.ok & (side.severity == Severity.INVALID) for side in sides], axis=0)))
