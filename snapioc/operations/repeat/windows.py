"""Windows: how one is run from its start to its end, and what becomes of the PVs that were silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Events, Readings, SnapError, shown

from ..plant import SetSettings
from ..protocols import Channels
from ..wording import short
from .members import Members
from .options import Options
from .ring import LATEST, Batch, arranged, state_at
from .schedule import Clock
from .state import RepeatState
from .whole_texts import with_whole_texts
from .window import Window, last_of_each

SETTLE = 0.2
"""Seconds after which what was on its way has surely come: events are handed over within 50 ms of their arrival."""

STEP = 0.1
"""Seconds between two looks at the progress of a window."""


class Windows:
    """Runs the windows of one set, which end when it is disarmed."""

    def __init__(
        self,
        channels: Channels,
        settings: SetSettings,
        members: Members,
        clock: Clock,
        state: RepeatState,
        publish: Callable[[], Awaitable[None]],
    ) -> None:
        self._channels, self._members, self._clock, self._state, self._publish = channels, members, clock, state, publish
        self._pvs, self._timeout = settings.pv_set.pvs, settings.read_timeout
        self._disarmed = asyncio.Event()
        self._seconds = self._push = 0.0

    def follow(self, options: Options) -> None:
        """Act on these options: a window that is open goes on, unless ARM is 0 now."""
        self._seconds, self._push = options.window / 1e3, options.sub_push / 1e3
        if options.armed:
            self._disarmed.clear()
        else:
            self._disarmed.set()

    async def take(self, progress: Callable[[float], None] | None = None) -> tuple[Readings, Events]:
        """All events of a window that begins now, and what each PV held at its end. Raises SnapError if it cannot be had."""
        await self._stand()
        with self._members.window() as after:
            with self._members.window() as window:
                await self._pass(window, progress)
                ended, parts, silent = time.time(), self._members.parts(), window.silent
            await self._show(window)
            events = window.events()
            rows, last = last_of_each(events, len(self._pvs))
            quiet = await self._silent(silent, parts, after)
        readings = arranged([rows, silent], [last, quiet], len(self._pvs))
        readings = await with_whole_texts(self._channels, self._pvs, readings, self._timeout)
        return replace(readings, started=ended, finished=max(ended, quiet.finished)), events

    async def _stand(self) -> None:
        """Wait until the connected PVs have told what they hold: what they say after that is news.

        Those that do not tell it in time, for want of read access for example, are waited for once only.
        """
        deadline = self._clock.now() + self._timeout
        while not self._members.listening:
            if self._clock.now() >= deadline:
                raise SnapError("the PVs of the set are not subscribed to yet")
            await self._sleep(0.01)
        while self._clock.now() < self._members.since + self._timeout and await self._members.unheard():
            await self._sleep(0.01)

    async def _pass(self, window: Window, progress: Callable[[float], None] | None) -> None:
        begun = self._clock.now()
        ends, pushed = begun + self._seconds, begun
        while (now := self._clock.now()) < ends and not self._disarmed.is_set():
            if progress:
                progress(len(self._pvs) * (now - begun) / (ends - begun))
            if self._push and now >= pushed + self._push:
                pushed = now
                await self._show(window)
            await self._clock.wait(self._disarmed, min(ends, now + min(STEP, self._push or STEP)))
        if self._disarmed.is_set():
            raise SnapError("ARM was set to 0 within the window")

    async def _show(self, window: Window) -> None:
        self._state.window_events, self._state.window_pvs = window.counts
        newest = [(self._pvs[row], readings.reading(place)) for row, readings, place in window.newest()]
        self._state.window_lines = tuple(f"{pv}\t{short(shown(reading))}" for pv, reading in newest)
        await self._publish()

    async def _silent(self, rows: NDArray[np.intp], parts: tuple[Batch, ...], after: Window) -> Readings:
        """What the PVs without an event held at the window's end, when the ring held `parts`.

        They are read, as not all records post all changes; but one that changed after the end held what it told before.
        """
        if not len(rows):
            return replace(arranged([], [], 0), finished=time.time())
        read = await self._channels.read([self._pvs[row] for row in rows.tolist()], self._timeout)
        known = state_at(parts, LATEST, len(self._pvs)).select(rows)
        differ = known.ok & ~(
            read.same_values(known) & (read.seconds == known.seconds) & (read.nanoseconds == known.nanoseconds)
        )
        if not differ.any():
            return read
        await self._sleep(SETTLE)
        moved = np.flatnonzero(differ & ~np.isin(rows, after.silent))
        return read.patched(moved, known.select(moved)) if len(moved) else read

    async def _sleep(self, seconds: float) -> None:
        await self._clock.wait(asyncio.Event(), self._clock.now() + seconds)
