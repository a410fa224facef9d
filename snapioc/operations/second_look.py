"""The second look: at PVs whose turn to be written comes long after the check, because others were waited for.

Decided: what the check would refuse now is not written, and neither is anything once restores are permitted no more. That
a PV holds another value than it did at the check stops nothing: the writes before it may have done that, as a power supply
that is switched on forgets its setpoint. The record of the restore says what it held, and a ramp begins there.
"""

from __future__ import annotations

import asyncio
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
        self._permitted_since = time.monotonic()
        self.moved = np.zeros(len(plan), bool)
        """Which places held something else just before they were written than at the check."""

    async def at(self, places: Rows) -> tuple[Rows, Readings | None]:
        """Those of the places that may be written, and their present values if they were looked at (None: as planned).

        Raises Failed if nothing may be written any more.
        """
        now = time.monotonic()
        if not len(places) or now - self._known_since[places].min() < STALE:
            return places, None
        await self.require_permit()
        part = self._plan.take(places)
        good, present, why = await self._planner.look_again(part)
        self._account.fail(PvVerdict.CANNOT, why)
        if why and self._policy is Policy.STRICT:
            row = min(why)
            raise Failed(f"stopped, as {self._planner.pv(row)} cannot be written any more: {why[row]}")
        self._known_since[places] = now
        await self._note_moved(places[good], part.take(good), present.select(good))
        return places[good], present.select(good)

    async def require_permit(self) -> None:
        """Raise Failed if restores are not permitted any more; the permit PV is asked once a second at most."""
        try:
            self._plant.require_enabled()
            if time.monotonic() - self._permitted_since < STALE:
                return
            self._permitted_since = time.monotonic()
            await self._plant.require_permit()
        except Refused as refused:
            raise Failed(f"stopped: {refused}") from refused

    async def _note_moved(self, places: Rows, part: Plan, present: Readings) -> None:
        moved = np.flatnonzero(~present.same_values(part.present))
        self.moved[places[moved]] = True
        for row, text in (await asyncio.to_thread(_moves, part, present, moved)).items():
            self._account.note(row, text)


def _moves(part: Plan, present: Readings, moved: Rows) -> dict[int, str]:
    return {
        int(part.rows[place]): f"read {value_text(present.reading(place))} just before it was written, and "
        f"{value_text(part.present.reading(place))} at the check"
        for place in moved.tolist()
    }
