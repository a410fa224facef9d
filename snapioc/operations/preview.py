"""Preview: all of a restore but its writes, and what it would write."""

from __future__ import annotations

from snapioc.model import SnapError, value_text

from .account import Account
from .job import Aborted, Failed, Job
from .order import RestoreOrder
from .planning import Plan, Planner
from .plant import Plant
from .state import Planned, Result, Status
from .wording import pvs_of, reasons, short

SHOWN = 500
"""PVs that are put into words: as many as a text PV holds of lines of 32 bytes."""


async def preview(job: Job, plant: Plant, order: RestoreOrder) -> None:
    """Plan a restore; the job ends with the result that the restore would have at this point. Raises Failed."""
    account = Account(order.snapshot.pv_set, order.selection)
    job.state.planned = Planned()
    try:
        plan = await Planner(plant, job, order, account, Status.PREVIEWING).plan()
    except Failed as failed:
        account.show(job.state)
        raise Failed(f"Preview: {order.title} would fail: {failed}{order.chosen}") from failed
    except Aborted:
        job.end(Result.ABORTED, f"Preview of {order.snapshot.header.id} aborted{order.chosen}")
        return
    except SnapError as fault:
        raise Failed(f"Preview of {order.snapshot.header.id} failed: {fault}{order.chosen}") from fault
    job.state.planned = Planned(len(plan), _lines(plan, order), f"snapioc diff {order.snapshot.header.id} live --exact")
    account.show(job.state)
    job.state.done = len(plan) + job.state.unchanged  # as a restore counts
    job.end(Result.PARTIAL if account.failures else Result.SUCCESS, _message(job, order, account, plan))


def _message(job: Job, order: RestoreOrder, account: Account, plan: Plan) -> str:
    said = f"Preview: {order.title} would write {pvs_of(len(plan))}, {job.state.unchanged} hold their values already"
    said += order.chosen
    if account.left_out:
        said += f"; {len(account.left_out)} left out ({reasons(account.left_out)})"
    if failures := account.failures:
        said += f"; {len(failures)} could not be written, {failures[0][0]}: {failures[0][1]}"
    return said


def _lines(plan: Plan, order: RestoreOrder) -> tuple[str, ...]:
    """A line per PV in the order of the set: name, present value, value to be written."""
    pvs = order.snapshot.pv_set.pvs
    return tuple(
        "\t".join((pvs[row], short(value_text(plan.present.reading(place))), short(value_text(plan.values.reading(place)))))
        for place, row in enumerate(plan.rows[:SHOWN].tolist())
    )
