"""Restore: select, check, keep the present values, write, prove by reading back. Each step is one function.

The snapshot "before restore of N" holds exactly the PVs that are to be written, so restoring it takes back this restore
and nothing else; it is committed before the first write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from snapioc.model import (
    BEFORE_RESTORE,
    Checked,
    Flag,
    Member,
    NewSnapshot,
    Origin,
    Outcome,
    Readings,
    Reason,
    Selection,
    SnapError,
    Snapshot,
    StoreError,
    Verdict,
    check,
    compare,
    count_invalid,
    value_text,
)

from .job import Aborted, Failed, Job
from .plant import Plant
from .save import commit
from .state import GroupState, Named, Policy, Result, Status
from .wording import pvs_of, reasons

BATCH = 500
"""PVs that are written together: under Strict no further batch follows a failed write, and ABORT stops between two."""

SETTLE = (0.0, 0.1, 0.4, 1.0)
"""Seconds before each read-back of the PVs that do not hold their value yet: a record may need a moment to process."""


@dataclass(slots=True)
class Restore:
    """One restore of a snapshot: what was chosen, and how it is to be done."""

    plant: Plant
    job: Job
    snapshot: Snapshot
    selection: Selection
    filter_text: str
    policy: Policy
    verify: bool
    origin: Origin
    kept_id: int | None = None
    written: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    async def run(self) -> None:
        """Go through all steps; the job ends with its result. Raises Failed or Aborted with all that happened in state."""
        try:
            await self._steps()
        except Aborted:
            self._end_early(Result.ABORTED, f"aborted: {pvs_of(self.written)} written")
        except Failed as failed:
            self.failures += failed.failures
            self._end_early(Result.FAILED, f"failed: {failed}")
        except SnapError as fault:
            written = f"{pvs_of(self.written)} written before" if self.kept_id else "nothing was written"
            self._end_early(Result.FAILED, f"failed: {fault}; {written}")

    def _end_early(self, result: Result, what: str) -> None:
        self._count()
        self.job.end(result, f"{self._title} {what}{self._chosen}{self._way_back}")

    async def _steps(self) -> None:
        state = self.job.state
        state.total, state.skipped = self.selection.matched, len(self.selection.left_out)
        state.invalid = count_invalid(self.snapshot.readings.select(self.selection.chosen))
        if not self.selection.rows:
            raise Failed(f"there is nothing to write: {reasons(self.selection.left_out)}")
        rows, values = await self._check()
        rows, values = await self._keep(rows, values)
        rows, values = await self._write(rows, values)
        if self.verify:
            await self._verify(rows, values)
        else:
            state.done = len(rows)
        self._report()

    async def _check(self) -> tuple[list[int], Readings]:
        """The rows that can be written, and their values as the channels take them."""
        rows = list(self.selection.rows)
        pvs = self._pvs(rows)
        await self.job.step(Status.CHECKING, f"{self._title}: checking {pvs_of(len(pvs))}", 0, 5)
        # Also with a connect_timeout of 0, which is for the start-up: enums need their labels.
        patience = max(self.plant.connect_timeout, self._read_timeout)
        await self.job.abortable(self.plant.channels.connect(pvs, patience))
        live = await self.job.abortable(self.plant.channels.states(pvs))
        checked: Checked = check(self.snapshot.readings.select(rows), live)
        self._fail_or_leave("cannot be written", [(pvs[i], why) for i, why in sorted(checked.failures.items())])
        return [rows[i] for i in checked.rows], checked.values

    async def _keep(self, rows: list[int], values: Readings) -> tuple[list[int], Readings]:
        """Commit the present values; drop those that could not be kept (Strict: fail)."""
        pvs = self._pvs(rows)
        await self.job.step(Status.KEEPING, f"{self._title}: keeping the present values", 5, 30, len(rows))
        present = await self.job.abortable(self.plant.channels.read(pvs, self._read_timeout, self.job.advance))
        kept = present.ok & (present.flags & Flag.CUT == 0)
        why = [(pvs[i], f"its present value could not be kept: {_why_not_kept(present, i)}") for i in _where(~kept)]
        self._fail_or_leave("could not be kept", why)
        good = _where(kept)
        if not good:
            raise Failed("no PV is left to be written")
        rows, values, present = [rows[i] for i in good], values.select(good), present.select(good)
        self.job.state.unchanged = int(np.count_nonzero(values.same_values(present)))
        self.job.safe_point()
        try:
            self.kept_id = (await commit(self.plant, self._before(rows, present))).id
        except StoreError as fault:
            raise Failed(f"nothing was written, as the present values could not be kept: {fault}") from fault
        return rows, values

    def _before(self, rows: list[int], present: Readings) -> NewSnapshot:
        pv_set = self.snapshot.pv_set
        return NewSnapshot(
            pv_set,
            present.spread(rows, len(pv_set.pvs)),
            kind=BEFORE_RESTORE,
            origin=self.origin,
            restores=self.snapshot.header.id,
        )

    async def _write(self, rows: list[int], values: Readings) -> tuple[list[int], Readings]:
        """Write in batches; returns the rows that were sent and not refused."""
        await self.job.step(Status.WRITING, f"{self._title}: writing {pvs_of(len(rows))}", 30, 70, len(rows))
        sent: list[int] = []
        for start in range(0, len(rows), BATCH):
            self.job.safe_point()
            batch = range(start, min(start + BATCH, len(rows)))
            outcomes = await self._write_batch(self._pvs([rows[i] for i in batch]), values.select(batch), start)
            refused = [(i, Outcome(code)) for i, code in zip(batch, outcomes, strict=True) if not self._sent(code)]
            self.failures += [(self._pvs([rows[i]])[0], outcome.text) for i, outcome in refused]
            bad = {i for i, _ in refused}
            sent += [i for i in batch if i not in bad]
            self.written = len(sent)
            if bad and self.policy is Policy.STRICT and batch.stop < len(rows):
                self.failures += [(pv, "not written: stopped after a failed write") for pv in self._pvs(rows[batch.stop :])]
                break
        return [rows[i] for i in sent], values.select(sent)

    async def _write_batch(self, pvs: Sequence[str], values: Readings, done: int) -> list[int]:
        try:
            outcomes = await self.plant.channels.write(
                pvs, values, self.plant.write_timeout, lambda count: self.job.advance(done + count)
            )
        except SnapError:
            self.failures += [(pv, "may have been written: the CA client did not answer") for pv in pvs]
            raise
        self.job.advance(done + len(pvs))
        return [int(code) for code in outcomes]

    def _sent(self, code: int) -> bool:
        """A put that is not done in time is left to the read-back; without one it counts as failed."""
        return code == Outcome.DONE or (code == Outcome.PENDING and self.verify)

    async def _verify(self, rows: list[int], values: Readings) -> None:
        """Read back what was written until it holds its value, a few times; what then differs has failed."""
        await self.job.step(Status.VERIFYING, f"{self._title}: reading back {pvs_of(len(rows))}", 70, 99, len(rows))
        wrong = list(range(len(rows)))
        for pause in SETTLE:
            await self.job.abortable(asyncio.sleep(pause))
            pvs, wanted = self._pvs([rows[i] for i in wrong]), values.select(wrong)
            found = await self.job.abortable(self.plant.channels.read(pvs, self._read_timeout))
            verdicts = compare(wanted, found, *self._tolerances([rows[i] for i in wrong]))
            still = _where(verdicts != Verdict.EQUAL)
            self.job.state.done += len(wrong) - len(still)
            wrong, differing = [wrong[i] for i in still], [(pvs[i], _difference(wanted, found, i)) for i in still]
            self.job.advance(len(rows) - len(wrong))
            if not wrong:
                return
        self.failures += differing

    def _report(self) -> None:
        self._count()
        state = self.job.state
        message = f"{self._title}: {self._so_far}"
        if state.skipped:
            message += f"; {state.skipped} left out ({reasons(self.selection.left_out)})"
        if not self.failures:
            self.job.end(Result.SUCCESS, message)
        else:
            message += f"; {len(self.failures)} failed, {self.failures[0][0]}: {self.failures[0][1]}"
            self.job.end(Result.PARTIAL if state.done else Result.FAILED, message)

    def _fail_or_leave(self, what: str, failures: Sequence[tuple[str, str]]) -> None:
        """Under Strict one failure ends the restore before anything was written; else those PVs are left out and named."""
        if failures and self.policy is Policy.STRICT:
            first = f"{failures[0][0]}: {failures[0][1]}"
            raise Failed(f"nothing was written, as {pvs_of(len(failures))} {what} ({first})", tuple(failures))
        self.failures += failures

    def _count(self) -> None:
        state: GroupState = self.job.state
        state.failed = len(self.failures)
        left_out: Named = tuple((pv, f"left out: {why}") for pv, why in self.selection.left_out)
        state.failures = (*self.failures, *left_out)

    def _pvs(self, rows: Sequence[int]) -> list[str]:
        members = self.snapshot.pv_set.members
        return [members[row].pv for row in rows]

    def _tolerances(self, rows: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        members: list[Member] = [self.snapshot.pv_set.members[row] for row in rows]
        return np.array([m.abs_tol for m in members]), np.array([m.rel_tol for m in members])

    @property
    def _read_timeout(self) -> float:
        return self.plant.set_of(self.snapshot.header.set_name).read_timeout

    @property
    def _title(self) -> str:
        return f"Restore of {self.snapshot.header.id}"

    @property
    def _so_far(self) -> str:
        state = self.job.state
        proof = f"{state.done} of {pvs_of(len(self.selection.rows))} written" + (" and read back" if self.verify else "")
        return proof + self._chosen + self._way_back

    @property
    def _chosen(self) -> str:
        if not self.filter_text:
            return ""
        return f", chosen {self.selection.matched} of {len(self.snapshot.pv_set.members)} (filter {self.filter_text})"

    @property
    def _way_back(self) -> str:
        return f"; the values before it are in {self.kept_id}" if self.kept_id is not None else ""


def _where(mask: NDArray[np.bool_]) -> list[int]:
    rows: list[int] = np.flatnonzero(mask).tolist()
    return rows


def _why_not_kept(present: Readings, row: int) -> str:
    reason = Reason(present.reason[row])
    return "its text is cut when it is read" if reason is Reason.OK else reason.text


def _difference(wanted: Readings, found: Readings, row: int) -> str:
    reading = found.reading(row)
    if reading.reason is not Reason.OK:
        return f"written, but not read back: {reading.reason.text}"
    return f"reads {value_text(reading)} instead of {value_text(wanted.reading(row))}"
