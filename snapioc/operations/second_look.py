"""The second look: at PVs whose turn to be written comes long after the check, because others were waited for.

Decided: what the check would refuse now is not written, and neither is anything once restores are permitted no more. That
a PV holds another value than it did at the check stops nothing: the writes before it may have done that, as a power supply
that is switched on forgets its setpoint. The record of the restore says what it held, and a ramp begins there.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from snapioc.model import PvVerdict, Readings, Refused, value_text

from .account import Account
from .job import Failed
from .planning import Plan, Planner
from .plant import Plant
from .state import Policy

Rows = NDArray[np.intp]

STALE = 1.0
"""Seconds after which what is known of a PV is looked at again before it is written."""


class SecondLook:
    """What was found out of the places of a plan, and when."""

    def __init__(self, plant: Plant, planner: Planner, account: Account, plan: Plan, policy: Policy) -> None:
        self._plant, self._planner, self._account, self._plan, self._policy = plant, planner, account, plan, policy
        self._known_since = np.full(len(plan), time.monotonic())

    async def at(self, places: Rows) -> tuple[Rows, Readings | None]:
        """Those of the places that may be written, and their present values if they were looked at (None: as planned).

        Raises Failed if nothing may be written any more.
        """
        now = time.monotonic()
        if not len(places) or now - self._known_since[places].min() < STALE:
            return places, None
        await self._require_permit()
        part = self._plan.take(places)
        good, present, why = await self._planner.look_again(part)
        self._account.fail(PvVerdict.CANNOT, why)
        if why and self._policy is Policy.STRICT:
            row = min(why)
            raise Failed(f"stopped, as {self._planner.pv(row)} cannot be written any more: {why[row]}")
        self._known_since[places] = now
        self._note_moved(part, present, good)
        return places[good], present.select(good)

    async def _require_permit(self) -> None:
        try:
            await self._plant.require_permit()
        except Refused as refused:
            raise Failed(f"stopped: {refused}") from refused

    def _note_moved(self, part: Plan, present: Readings, good: Rows) -> None:
        moved = ~present.same_values(part.present)
        for place in np.intersect1d(np.flatnonzero(moved), good).tolist():
            was, now = value_text(part.present.reading(place)), value_text(present.reading(place))
            self._account.note(int(part.rows[place]), f"read {now} just before it was written, and {was} at the check")
