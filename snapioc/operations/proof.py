"""Proof: reads back what a restore wrote, and puts into words what does not hold its value."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from numpy.typing import NDArray

from snapioc.model import (
    DISABLE,
    DbrType,
    PvVerdict,
    Readings,
    ReadingsBuilder,
    Reason,
    Severity,
    Verdict,
    canonical_name,
    compare,
    single_numbers,
    status_text,
    value_text,
)

from .account import Account
from .job import Job
from .order import RestoreOrder
from .planning import Plan, names
from .plant import Plant
from .state import Status
from .wording import pvs_of

Rows = NDArray[np.intp]

PAUSES = (0.0, 0.1, 0.4, 1.0)
"""Seconds before each read-back of the PVs that do not hold their value yet: a record may need a moment to process."""

LOOK = 0.2
"""Seconds between two looks at readbacks."""


class Proof:
    """Reads back the PVs of a plan. `found` holds what each of them was read to hold last."""

    def __init__(self, plant: Plant, job: Job, order: RestoreOrder, account: Account, plan: Plan) -> None:
        self._plant, self._job, self._order, self._account, self._plan = plant, job, order, account, plan
        self._pv_set = order.snapshot.pv_set
        self._settings = plant.set_of(order.snapshot.header.set_name)
        self.found: Readings = ReadingsBuilder(len(plan)).build()

    async def look(self) -> NDArray[np.bool_]:
        """Read all once; which of them hold their values."""
        self.found = await self._read(np.arange(len(self._plan)))
        return self._equal(np.arange(len(self._plan)), self.found)

    def differences(self, places: Rows) -> dict[int, str]:
        """By row, what these PVs of the plan were read to hold instead of their values."""
        return {int(self._plan.rows[p]): _difference(self._plan.values, self.found, p) for p in places.tolist()}

    async def run(self) -> None:
        """Read back until all hold their values, a few times; what then differs has failed. Then look at the readbacks."""
        size = len(self._plan)
        await self._job.step(Status.VERIFYING, f"{self._order.title}: reading back {pvs_of(size)}", 70, 95, size)
        wrong = np.arange(size)
        for pause in PAUSES:
            await self._job.abortable(asyncio.sleep(pause))
            found = await self._job.abortable(self._read(wrong))
            self.found = found if len(wrong) == size else self.found.patched(wrong, found)
            equal = self._equal(wrong, found) & self._driven(wrong, found)
            self._account.set(self._plan.rows[wrong[equal]], PvVerdict.RESTORED)
            wrong = wrong[~equal]
            self._job.advance(size - len(wrong))
            if not len(wrong):
                break
        await self._explain(wrong)
        good = np.ones(size, bool)
        good[wrong] = False
        await self._check_readbacks(self._plan.rows[good])

    async def _read(self, places: Rows) -> Readings:
        pvs = names(self._pv_set.pvs, self._plan.rows[places])
        return await self._plant.channels.read(pvs, self._settings.read_timeout)

    def _equal(self, places: Rows, found: Readings) -> NDArray[np.bool_]:
        rows = self._plan.rows[places]
        abs_tol, rel_tol = (column[rows] for column in self._order.tolerances)
        equal: NDArray[np.bool_] = compare(self._plan.values.select(places), found, abs_tol, rel_tol) == Verdict.EQUAL
        return equal

    def _driven(self, places: Rows, found: Readings) -> NDArray[np.bool_]:
        """False where a record has its value, but its alarm says that it has done nothing with it."""
        rows, stored = self._plan.rows[places], self._order.snapshot.readings
        invalid = (found.severity == Severity.INVALID) & (stored.severity[rows] != Severity.INVALID)
        disabled = (found.status == DISABLE) & (stored.status[rows] != DISABLE)
        driven: NDArray[np.bool_] = ~(found.ok & (invalid | disabled))
        for place in np.flatnonzero(~driven).tolist():
            # A field shows the alarm of its record, but needs no processing.
            driven[place] = "." in canonical_name(self._pv_set.pvs[rows[place]])
        return driven

    async def _explain(self, wrong: Rows) -> None:
        """Say of each PV what became of its value."""
        if not len(wrong):
            return
        plan, found = self._plan.take(wrong), self.found.select(wrong)
        live = await self._plant.channels.refresh(names(self._pv_set.pvs, plan.rows), self._settings.read_timeout)
        low, high = live.limits()
        reads, wanted = single_numbers(found), single_numbers(plan.values)
        with np.errstate(invalid="ignore"):
            clamped = (low < high) & (((reads == high) & (wanted > high)) | ((reads == low) & (wanted < low)))
        previous, arrived = found.same_values(plan.present), self._equal(wrong, found)
        for place, row in enumerate(plan.rows.tolist()):
            verdict, text = PvVerdict.DIFFERENT, _difference(plan.values, found, place)
            if arrived[place]:
                text = _alarm(found, place)
            elif clamped[place]:
                verdict, text = PvVerdict.CLAMPED, f"clamped: {text}"
            elif previous[place]:
                verdict, text = PvVerdict.REJECTED, f"rejected: still {text}"
            self._account.fail(verdict, {row: text})

    async def _check_readbacks(self, rows: Rows) -> None:
        """See whether the readbacks come near what the snapshot holds of them, within the time they have to settle."""
        stored, setpoints, readbacks = self._readbacks(rows)
        if not len(setpoints):
            return
        await self._job.step(Status.VERIFYING, f"{self._order.title}: {pvs_of(len(setpoints))} settle", 95, 99)
        abs_tol, rel_tol = (column[setpoints] for column in self._pv_set.tolerances)
        until = time.monotonic() + self._settings.settle
        left = np.arange(len(setpoints))
        while True:
            pvs = [self._pv_set.pvs[row] for row in readbacks[left].tolist()]
            found = await self._job.abortable(self._plant.channels.read(pvs, self._settings.read_timeout))
            near = compare(stored.select(left), found, abs_tol[left], rel_tol[left]) == Verdict.EQUAL
            left, found = left[~near], found.select(np.flatnonzero(~near))
            if not len(left) or time.monotonic() >= until:
                break
            await self._job.abortable(asyncio.sleep(LOOK))
        for place, one in enumerate(left.tolist()):
            difference = _difference(stored.select([one]), found.select([place]), 0)
            text = f"written, but its readback {self._pv_set.pvs[readbacks[one]]} {difference}"
            self._account.fail(PvVerdict.READBACK_OFF, {int(setpoints[one]): text})

    def _readbacks(self, rows: Rows) -> tuple[Readings, Rows, Rows]:
        """Of the members that have a readback to be checked: what the snapshot holds of it, their rows, and its rows.

        A float never reads the same twice: without a tolerance there is nothing to check it against.
        """
        snapshot, owners = self._order.snapshot.readings, self._pv_set.readback_rows
        rows = rows[owners[rows] >= 0]
        readbacks = owners[rows]
        abs_tol, rel_tol = (column[rows] for column in self._pv_set.tolerances)
        exact = ~np.isin(snapshot.dbr_type[readbacks], (DbrType.FLOAT, DbrType.DOUBLE))
        checked = snapshot.ok[readbacks] & (exact | (abs_tol > 0) | (rel_tol > 0))
        return snapshot.select(readbacks[checked]), rows[checked], readbacks[checked]


def _alarm(found: Readings, place: int) -> str:
    severity, status = Severity(found.severity[place]), status_text(int(found.status[place]))
    return f"holds its value, but may have done nothing with it: its alarm is {severity.name} {status}"


def _difference(wanted: Readings, found: Readings, place: int) -> str:
    reading = found.reading(place)
    if reading.reason is not Reason.OK:
        return f"could not be read back: {reading.reason.text}"
    return f"reads {value_text(reading)} instead of {value_text(wanted.reading(place))}"
