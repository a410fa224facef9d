"""The steps of a restore that change nothing: check, look at the present values, see what would be written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapioc.model import (
    Checked,
    Flag,
    PvVerdict,
    Readings,
    Reason,
    check,
    count_invalid,
    same,
    value_text,
)

from .account import Account
from .drive_limits import for_display_only
from .job import Failed, Job
from .order import RestoreOrder, TakesBack
from .plant import Plant
from .protocols import Progress
from .state import Policy, Status
from .text_room import text_room
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
    """Plans one restore; what it finds out of each PV goes into the account.

    `unchanged` is what was left alone because it holds its value already.
    """

    def __init__(
        self, plant: Plant, job: Job, order: RestoreOrder, account: Account, status: Status = Status.CHECKING
    ) -> None:
        self._plant, self._job, self._order, self._account, self._status = plant, job, order, account, status
        self._pv_set = order.snapshot.pv_set
        self._timeout = plant.set_of(order.snapshot.header.set_name).read_timeout
        self.unchanged: Plan | None = None

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
        checked = await self._job.abortable(self._checked(rows, self._job.advance))
        read = channels.read(pvs, self._timeout, lambda done: self._job.advance(len(pvs) + done))
        present = await self._job.abortable(read)
        self._leave({int(rows[place]): why for place, why in checked.failures.items()}, "cannot be written")
        return Plan(rows[checked.rows], checked.values, present.select(checked.rows))

    async def _checked(self, rows: Rows, progress: Progress | None = None) -> Checked:
        """The check, with limits, labels and DISP as they are now: other channels each, so they are asked side by side."""
        plant, pvs = self._plant, self._names(rows)
        values = self._order.snapshot.readings.select(rows)
        live, disabled, room = await asyncio.gather(
            plant.channels.refresh(pvs, self._timeout),
            plant.disabled.look(pvs, self._timeout, progress),
            text_room(plant.channels, pvs, values, self._timeout),
        )
        checked = check(values, live, disabled, room)
        if self._order.takes_back and len(checked.beyond_limits):
            # What was there before the restore was taken by its record, whatever the limits that it shows.
            asked = [pvs[place] for place in checked.beyond_limits.tolist()]
            unlimited = np.zeros(len(pvs), bool)
            unlimited[checked.beyond_limits] = await for_display_only(plant.channels, asked, self._timeout)
            checked = check(values, live, disabled, room, unlimited)
        return checked

    async def look_again(self, part: Plan) -> tuple[Rows, Readings, dict[int, str]]:
        """Which places of a part may still be written, all their present values, and by row why the others may not."""
        checked = await self._job.abortable(self._checked(part.rows))
        present = await self._job.abortable(self._plant.channels.read(self._names(part.rows), self._timeout))
        why = dict(checked.failures)
        other = ~checked.values.same_values(part.values.select(checked.rows))
        why |= dict.fromkeys(checked.rows[other].tolist(), "its type or labels have changed since the check")
        for place in np.flatnonzero(~present.ok).tolist():
            why.setdefault(place, f"its present value could not be read: {Reason(present.reason[place]).text}")
        good = np.setdiff1d(np.arange(len(part)), list(why))
        return good, present, {int(part.rows[place]): text for place, text in why.items()}

    def _kept(self, plan: Plan) -> Plan:
        """Without the PVs of which the present value is not there to be kept."""
        present = plan.present
        kept = present.ok & (present.flags & Flag.CUT == 0)
        why = {int(plan.rows[place]): _why_not_kept(present, place) for place in np.flatnonzero(~kept).tolist()}
        self._leave(why, "could not be kept")
        return plan if kept.all() else plan.take(np.flatnonzero(kept))

    def _unmoved(self, plan: Plan, restore: TakesBack) -> Plan:
        """Without the PVs that were moved: they hold neither what the restore wrote or left nor what they are to get."""
        # Without tolerances: an operator's small correction is one, too.
        left = restore.left.select(plan.rows)
        as_wanted, as_left = (same(side, plan.present) for side in (restore.wanted.select(plan.rows), left))
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
        if not rest.any():
            return plan
        self.unchanged = plan.take(np.flatnonzero(rest))
        return plan.take(np.flatnonzero(~rest))

    def _leave(self, why: dict[int, str], what: str) -> None:
        """Under Strict one failure ends the restore before anything was written; else those PVs are left out and named."""
        self._account.fail(PvVerdict.CANNOT, why)
        if why and self._order.policy is Policy.STRICT:
            row = min(why)
            first = f"{self._pv_set.pvs[row]}: {why[row]}"
            raise Failed(f"nothing was written, as {pvs_of(len(why))} {what} ({first})")
        if len(self._account.failures) == len(self._order.selection.rows):
            raise Failed("no PV is left to be written")

    def pv(self, row: int) -> str:
        """The PV of a row."""
        return self._pv_set.pvs[row]

    def _names(self, rows: Rows) -> tuple[str, ...]:
        return names(self._pv_set.pvs, rows)


def names(pvs: tuple[str, ...], rows: Rows) -> tuple[str, ...]:
    """The PVs of these rows."""
    return pvs if len(rows) == len(pvs) else tuple([pvs[row] for row in rows.tolist()])


def _why_not_kept(present: Readings, place: int) -> str:
    reason = Reason(present.reason[place])
    why = "its text is cut when it is read" if reason is Reason.OK else reason.text
    return f"its present value could not be kept: {why}"
