"""Restore: plan, keep the present values, write, prove by reading back, close the record. Each step is one function.

The snapshot "before restore of N" holds exactly the PVs that are to be written. It is committed together with the record
of the restore before the first write; the record is closed after the last verdict. So at any moment the store knows what
was to be done and what was there before, and whoever finds an open record after a crash can tell from the machine how far
it came.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import numpy as np

from snapioc.model import (
    BEFORE_RESTORE,
    NewSnapshot,
    Outcome,
    PvVerdict,
    RestoreEnd,
    RestoreRecord,
    SnapError,
    StoreError,
    UnknownSnapshot,
)

from .account import Account
from .job import Aborted, Failed, Job
from .looking import Looking
from .order import RestoreOrder
from .pace import Pace, lower
from .planning import Plan, Planner
from .plant import Plant, SetSettings
from .records import Ending
from .second_look import SecondLook
from .state import Policy, Result, Status
from .wording import pvs_of, reasons
from .writing import Writing

_log = logging.getLogger(__name__)

_OK = (PvVerdict.RESTORED, PvVerdict.UNCHECKED)


@dataclass(slots=True)
class Restore:
    """One restore or undo. `record` is there as soon as something may be written."""

    plant: Plant
    job: Job
    order: RestoreOrder
    account: Account = field(init=False)
    record: RestoreRecord | None = None
    plan: Plan | None = None
    looking: Looking = field(init=False)
    planner: Planner = field(init=False)

    def __post_init__(self) -> None:
        self.account = Account(self.order.snapshot.pv_set, self.order.selection)
        self.looking = Looking(self.plant, self.job, self.order, self.account)
        self.planner = Planner(self.plant, self.job, self.order, self.account)

    async def run(self) -> None:
        """Go through all steps; the job ends with its result. Raises nothing for what machine and store do."""
        try:
            self.plan = await self.planner.plan()
            if len(self.plan):
                await self._go_through(self.plan)
        except Aborted:
            result, said = Result.ABORTED, f" aborted: {pvs_of(self.looking.written)} written"
        except Failed as failed:
            self._name_unwritten("not written: the restore was stopped before")
            result, said = Result.FAILED, f" failed: {failed}"
        except SnapError as fault:
            written = f"{pvs_of(self.looking.written)} written before" if self.record else "nothing was written"
            self._name_unwritten("not written: the restore ended before")
            result, said = Result.FAILED, f" failed: {fault}; {written}"
        except Exception as fault:
            # A defect of ours; what was written has to be known and undoable all the same.
            _log.exception("%s", self.order.title)
            self._name_unwritten("not written: the restore ended before")
            result, said = Result.FAILED, f" failed by a defect of snapioc, see its log: {fault!r}"
        else:
            await self._close(*self._report(len(self.plan)))
            return
        await self.looking.back(self.planner.unchanged)
        await self._close(result, f"{self.order.title}{said}{self.order.chosen}{self._way_back}")

    async def _go_through(self, plan: Plan) -> None:
        await self._keep(plan)
        await self._write(plan)
        sent = self._sent(plan)
        if self.order.verify and len(sent):
            await self.looking.prove(sent)
        await self.looking.at_rest()
        await self.looking.at_unchanged(self.planner.unchanged)

    async def _keep(self, plan: Plan) -> None:
        """Commit the present values and the record of what is going to be done."""
        await self.job.step(Status.KEEPING, f"{self.order.title}: keeping the present values", 30, 35)
        pv_set = self.order.snapshot.pv_set
        present = plan.present.spread(plan.rows, len(pv_set.pvs))
        before = NewSnapshot(pv_set, present, BEFORE_RESTORE, origin=self.order.origin)
        self.job.safe_point()
        try:
            self.record = await self.plant.records.begin(self.order.record(), pv_set, before)
        except StoreError as fault:
            await self._store_failed(fault)
            raise Failed(f"nothing was written, as the present values could not be kept: {fault}") from fault
        await self.plant.store_is(None)
        self.job.state.show_all = f"snapioc restore-log {self.record.id}"

    async def _write(self, plan: Plan) -> None:
        settings, order = self._settings, self.order
        await self.job.step(Status.WRITING, f"{order.title}: writing {pvs_of(len(plan))}", 35, 70, len(plan))
        ways = self.plant.ways_of(order.snapshot.pv_set).select(plan.rows)
        second = SecondLook(self.plant, self.planner, self.account, plan, order.policy)
        writing = Writing(
            self.plant.channels,
            ways,
            plan.values,
            plan.present,
            self.job,
            pace=Pace(lower(settings.rate, order.rate), settings.batch),
            timeout=self.plant.write_timeout,
            stop_on_failure=order.policy is Policy.STRICT,
            verify=order.verify,
            look=second,
        )
        try:
            await writing.run()
        finally:
            self.looking.wrote(plan, writing.written, second.moved)
            self._take_outcomes(plan, writing)

    def _take_outcomes(self, plan: Plan, writing: Writing) -> None:
        """What became of each write, also when it was broken off."""
        written, verify = writing.written, self.order.verify
        failed = written.failed(verify=verify)
        self.account.set(plan.rows[written.touched & ~failed], PvVerdict.UNCHECKED)
        late = written.late | (written.outcomes == Outcome.PENDING)
        for verdict, mask, word in (
            (PvVerdict.LATE, failed & late, "late: "),
            (PvVerdict.WRITE_FAILED, failed & ~late, ""),
        ):
            why = {int(plan.rows[p]): word + Outcome(written.outcomes[p]).text for p in np.flatnonzero(mask).tolist()}
            self.account.fail(verdict, why)
        for place in np.flatnonzero(written.at_once & written.touched).tolist():
            self.account.note(int(plan.rows[place]), "written at once: its value cannot be ramped")
        if writing.stopped and failed.any():
            self._name_unwritten("not written: stopped after a failed write")

    def _name_unwritten(self, why: str) -> None:
        if self.plan is not None and self.record:
            rows = self.plan.rows[self.account.have(self.plan.rows, PvVerdict.NOT_WRITTEN)].tolist()
            self.account.fail(PvVerdict.NOT_WRITTEN, dict.fromkeys(rows, why))

    def _sent(self, plan: Plan) -> Plan:
        """What was written as far as the servers said."""
        return plan.take(np.flatnonzero(self.account.have(plan.rows, PvVerdict.UNCHECKED)))

    def _report(self, planned: int) -> tuple[Result, str]:
        account, state = self.account, self.job.state
        restored, unchanged = account.count(*_OK), account.count(PvVerdict.UNCHANGED)
        said = f"{self.order.title}: {restored} of {pvs_of(planned)} written" + (
            " and read back" if self.order.verify else ""
        )
        if self.looking.unread:
            said += f", {self.looking.unread} written but not read back"
        if not planned:
            said = f"{self.order.title}: nothing was to be written, {pvs_of(unchanged)} held their values already"
        elif unchanged:
            said += f", {unchanged} held their values already"
        said += f"{self.order.chosen}{self._way_back}"
        if state.skipped:
            said += f"; {state.skipped} left out ({reasons(account.left_out)})"
        if not (failures := account.failures):
            return Result.SUCCESS, said
        said += f"; {len(failures)} failed, {failures[0][0]}: {failures[0][1]}"
        return (Result.PARTIAL if restored + unchanged else Result.FAILED), said

    async def _close(self, result: Result, message: str) -> None:
        """Close the record, show all, end the job."""
        pv_set, records = self.order.snapshot.pv_set, self.plant.records
        try:
            if self.record is None:
                self.record = await records.begin(self.order.record(), pv_set)
            written, left = self.looking.to_undo()
            end = RestoreEnd(result.name.lower(), message, written, self.account.outcomes())
            await records.end(Ending(self.record.id, end, left))
        except StoreError as fault:
            await self._store_failed(fault)
            message += f"; its record could not be stored: {fault}"
            if self.looking.written:
                message += " (it will be when the store works again; until then there is no UNDO)"
                result = Result.FAILED
        else:
            self.job.state.show_all = f"snapioc restore-log {self.record.id}"
        self.account.show(self.job.state)
        self.job.state.done = self.account.count(*_OK, PvVerdict.UNCHANGED)
        self.job.end(result, message)

    async def _store_failed(self, fault: StoreError) -> None:
        if not isinstance(fault, UnknownSnapshot):
            await self.plant.store_is(fault)

    @property
    def _settings(self) -> SetSettings:
        return self.plant.set_of(self.order.snapshot.header.set_name)

    @property
    def _way_back(self) -> str:
        return f"; the values before it are in {self.record.undo_id}" if self.record else ""
