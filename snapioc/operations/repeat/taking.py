"""One automatic snapshot: what is read or remembered for it, and that no restore was in it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime

import numpy as np

from snapioc.model import AUTOMATIC, EPICS_EPOCH, Events, NewSnapshot, Origin, Readings, Reason, SnapError, SnapshotHeader

from ..plant import Plant, SetSettings
from ..save import commit, lack
from ..wording import pvs_of, reasons
from .dues import Due
from .members import Members
from .options import Options
from .ring import stamp_of, state_at
from .schedule import Clock
from .trigger import Trigger
from .whole_texts import with_whole_texts
from .windows import SETTLE, Windows

Taken = tuple[Readings, Events | None]


class Taking:
    """Takes the automatic snapshots of one set, without any lock: an operator's restore goes first, always."""

    def __init__(self, plant: Plant, settings: SetSettings, members: Members, windows: Windows, clock: Clock) -> None:
        self._plant, self._settings, self._members, self._windows, self._clock = plant, settings, members, windows, clock

    async def take(self, options: Options, due: Due, title: str) -> SnapshotHeader:
        """A committed snapshot. Raises SnapError with the reason for which there is none."""
        pv_set = self._settings.pv_set
        back = due.trigger if options.back else None
        with self._plant.locks.watching(pv_set.canonical) as watch:
            readings, events = await self._values(options, due, back)
            # What was at the trigger is what was: it is kept even if a restore was under way then.
            if watch.writer and not back:
                raise SnapError(f"{watch.writer} was writing")
            comment = _comment(back, watch.writer) if back else ""
        if not readings.ok.any():
            missing = tuple(
                (pv, Reason(reason).text) for pv, reason in zip(pv_set.pvs, readings.reason.tolist(), strict=True)
            )
            raise SnapError(f"no PV could be read ({reasons(missing)})")
        # It would push a complete one out of what KEEP leaves.
        if lacking := lack(self._settings, readings):
            raise SnapError(f"{np.count_nonzero(readings.ok)} of {pvs_of(len(readings))} could be read; {lacking}")
        origin = Origin(group=pv_set.name)
        new = NewSnapshot(pv_set, readings, AUTOMATIC, title, comment, origin=origin, events=events)
        header = await commit(self._plant, new)
        self._plant.is_newest(header)
        return header

    async def _values(self, options: Options, due: Due, back: Trigger | None) -> Taken:
        if back is None:
            return await self._windows.take() if options.window else (await self._read(), None)
        if not options.window:
            return await self._at(back, due.at), None
        state = asyncio.ensure_future(self._at(back, due.at))
        try:
            _, events = await self._windows.take()
            return await state, events
        finally:
            state.cancel()
            await asyncio.gather(state, return_exceptions=True)

    async def _read(self) -> Readings:
        return await self._plant.channels.read(self._settings.pv_set.pvs, self._settings.read_timeout)

    async def _at(self, trigger: Trigger, came: float) -> Readings:
        """What each PV held at the trigger's time stamp; the trigger came at `came` of the monotonic clock."""
        if not trigger.seconds:
            raise SnapError("the trigger has no time stamp, so that BACK cannot tell what was at that time")
        if not self._members.listening:
            raise SnapError("the PVs of the set are not subscribed to yet")
        now = time.time()
        await self._clock.wait(asyncio.Event(), came + SETTLE)
        stamp, pvs = stamp_of(trigger.seconds, trigger.nanoseconds), self._settings.pv_set.pvs
        readings = await asyncio.to_thread(state_at, self._members.parts(), stamp, len(pvs))
        self._members.never_heard(readings)
        readings = await with_whole_texts(self._plant.channels, pvs, readings, self._settings.read_timeout)
        return replace(readings, started=now, finished=now)


def _comment(trigger: Trigger, writer: str) -> str:
    at = datetime.fromtimestamp(EPICS_EPOCH + trigger.seconds).astimezone()
    text = f"The values at {at:%Y-%m-%dT%H:%M:%S}.{trigger.nanoseconds:09d}{at:%z}, the trigger's time stamp"
    return f"{text}; {writer} was writing" if writer else text
