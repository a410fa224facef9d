"""The steps of a restore that change nothing: check, look at the present values, see what would be written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapioc.model import (
    ChannelStates,
    Checked,
    Flag,
    PvVerdict,
    Readings,
    Reason,
    Verdict,
    check,
    compare,
    count_invalid,
    value_text,
)

from .account import Account
from .job import Failed, Job
from .order import RestoreOrder, TakesBack
from .plant import Plant
from .state import Policy, Status
from .wording import pvs_of, reasons

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is to be written: rows of the snapshot, their values as the channels take them, and their present values."""

    rows: Rows
    values: Readings
    present: Readings

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: Rows) -> Plan:
        """Some of it."""
        return Plan(self.rows[places], self.values.select(places), self.present.select(places))


class Planner:
    """Plans one restore; what it finds out of each PV goes into the account."""

    def __init__(
        self, plant: Plant, job: Job, order: RestoreOrder, account: Account, status: Status = Status.CHECKING
    ) -> None:
        self._plant, self._job, self._order, self._account, self._status = plant, job, order, account, status
        self._pv_set = order.snapshot.pv_set
        self._timeout = plant.set_of(order.snapshot.header.set_name).read_timeout

    async def plan(self) -> Plan:
        """What is to be written. Raises Failed if there is nothing that could be, or under Strict if one PV fails."""
        state, order = self._job.state, self._order
        state.total, state.skipped = order.selection.matched, len(order.selection.left_out)
        state.invalid = count_invalid(order.snapshot.readings.select(order.selection.rows))
        if not len(order.selection.rows):
            raise Failed(f"there is nothing to write: {reasons(self._account.left_out)}")
        plan = self._kept(await self._check())
        if order.takes_back:
            plan = self._unmoved(plan, order.takes_back)
        return self._changed(plan)

    async def _check(self) -> Plan:
        """Whatever could be written, with its present value."""
        rows, channels = self._order.selection.rows, self._plant.channels
        pvs = self._names(rows)
        await self._job.step(self._status, f"{self._order.title}: checking {pvs_of(len(pvs))}", 0, 30, 2 * len(pvs))
        # Also with a connect_timeout of 0, which is for the start-up: enums need their labels.
        patience = max(self._plant.connect_timeout, self._timeout)
        await self._job.abortable(channels.connect(pvs, patience))
        live, disabled = await self._job.abortable(self._ask(pvs))
        present = await self._job.abortable(
            channels.read(pvs, self._timeout, lambda done: self._job.advance(len(pvs) + done))
        )
        checked: Checked = check(self._order.snapshot.readings.select(rows), live, disabled)
        self._leave({int(rows[place]): why for place, why in checked.failures.items()}, "cannot be written")
        return Plan(rows[checked.rows], checked.values, present.select(checked.rows))

    async def _ask(self, pvs: tuple[str, ...]) -> tuple[ChannelStates, NDArray[np.bool_]]:
        """Limits and labels, and DISP. Each is another channel of a PV's server, so both are asked side by side."""
        plant = self._plant
        return await asyncio.gather(
            plant.channels.refresh(pvs, self._timeout),
            plant.disabled.look(pvs, self._timeout, self._job.advance),
        )

    def _kept(self, plan: Plan) -> Plan:
        """Without the PVs of which the present value is not there to be kept."""
        present = plan.present
        kept = present.ok & (present.flags & Flag.CUT == 0)
        why = {int(plan.rows[place]): _why_not_kept(present, place) for place in np.flatnonzero(~kept).tolist()}
        self._leave(why, "could not be kept")
        return plan if kept.all() else plan.take(np.flatnonzero(kept))

    def _unmoved(self, plan: Plan, restore: TakesBack) -> Plan:
        """Without the PVs that were moved: they hold neither what the restore wrote or left nor what they are to get."""
        # The restore was content with its tolerances, and so is this.
        abs_tol, rel_tol = (column[plan.rows] for column in self._pv_set.tolerances)
        wanted, left = restore.wanted.select(plan.rows), restore.left.select(plan.rows)
        as_wanted, as_left = (compare(side, plan.present, abs_tol, rel_tol) == Verdict.EQUAL for side in (wanted, left))
        moved = ~as_wanted & ~as_left & left.ok & ~plan.values.same_values(plan.present)
        why = {
            int(plan.rows[place]): f"was moved since: reads {value_text(plan.present.reading(place))}, but the restore "
            f"left it at {value_text(left.reading(place))}"
            for place in np.flatnonzero(moved).tolist()
        }
        self._leave(why, "had been moved since")
        return plan.take(np.flatnonzero(~moved)) if moved.any() else plan

    def _changed(self, plan: Plan) -> Plan:
        """Without what holds its value already, if that is asked for."""
        if not self._order.changed_only:
            return plan
        rest = plan.values.same_values(plan.present) & ~self._pv_set.always[plan.rows]
        self._job.state.unchanged = int(np.count_nonzero(rest))
        self._account.set(plan.rows[rest], PvVerdict.UNCHANGED)
        return plan.take(np.flatnonzero(~rest)) if rest.any() else plan

    def _leave(self, why: dict[int, str], what: str) -> None:
        """Under Strict one failure ends the restore before anything was written; else those PVs are left out and named."""
        self._account.fail(PvVerdict.CANNOT, why)
        if why and self._order.policy is Policy.STRICT:
            row = min(why)
            first = f"{self._pv_set.pvs[row]}: {why[row]}"
            raise Failed(f"nothing was written, as {pvs_of(len(why))} {what} ({first})")
        if len(self._account.failures) == len(self._order.selection.rows):
            raise Failed("no PV is left to be written")

    def _names(self, rows: Rows) -> tuple[str, ...]:
        return names(self._pv_set.pvs, rows)


def names(pvs: tuple[str, ...], rows: Rows) -> tuple[str, ...]:
    """The PVs of these rows."""
    return pvs if len(rows) == len(pvs) else tuple([pvs[row] for row in rows.tolist()])


def _why_not_kept(present: Readings, place: int) -> str:
    reason = Reason(present.reason[place])
    why = "its text is cut when it is read" if reason is Reason.OK else reason.text
    return f"its present value could not be kept: {why}"
