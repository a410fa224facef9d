"""The subscription to a set's PVs while it is armed, and who hears what comes: changes, the ring, open windows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from snapioc.model import Events, Readings, Reason

from ..protocols import Channels, Subscription
from .changes import Changes
from .ring import Batch, Ring, epics_now
from .schedule import Clock
from .window import Window


class Members:
    """Hears of all PVs of a set; `changed` is called with a PV and how many events are changes, if there are any.

    `subscribed` is called when the subscription stands, though nothing was heard yet.
    """

    def __init__(
        self,
        channels: Channels,
        pvs: tuple[str, ...],
        clock: Clock,
        changed: Callable[[str, int], None],
        subscribed: Callable[[], None],
    ) -> None:
        self._channels, self._pvs, self._clock = channels, pvs, clock
        self._changed, self._subscribed = changed, subscribed
        self._windows: list[Window] = []
        self._subscription: Subscription | None = None
        self.since = 0.0
        """When the PVs were subscribed to."""
        self._forget()

    def _forget(self) -> None:
        self._changes, self._ring = Changes(len(self._pvs)), Ring(len(self._pvs), 0.0)
        self._awaited = np.arange(len(self._pvs))

    @property
    def listening(self) -> bool:
        """Whether the PVs are subscribed to."""
        return self._subscription is not None

    @property
    def heard(self) -> int:
        """How many PVs have told what they hold."""
        return int(self._changes.heard.sum())

    @property
    def awaited(self) -> int:
        """How many connected PVs have not, as far as `unheard` found them to be connected."""
        return int((~self._changes.heard[self._awaited]).sum())

    @property
    def short(self) -> bool:
        """Whether the ring did not hold all that it should reach back."""
        return self._ring.short

    async def listen(self, back: float) -> None:
        """Be subscribed, and keep the events of the last `back` seconds. Raises SnapError."""
        self._ring.reach = back
        if self._subscription is None:
            self._subscription = await self._channels.subscribe(self._pvs, self._heard)
            self.since = self._clock.now()
            self._subscribed()

    async def leave(self) -> None:
        """Be subscribed no more, as soon as no window is open. Raises SnapError."""
        if self._subscription and not self._windows:
            await self._subscription.close()
            self._subscription = None
            self._forget()

    async def unheard(self) -> int:
        """How many connected PVs have not told yet what they hold. Raises SnapError."""
        silent = np.flatnonzero(~self._changes.heard)
        names = [self._pvs[row] for row in silent.tolist()]
        gone = set(await self._channels.disconnected(names)) if names else set()
        self._awaited = np.array([row for row in silent.tolist() if self._pvs[row] not in gone], np.intp)
        return len(self._awaited)

    @contextmanager
    def window(self) -> Iterator[Window]:
        """A window that is open in the block."""
        window = Window(len(self._pvs))
        self._windows.append(window)
        try:
            yield window
        finally:
            self._windows.remove(window)

    def parts(self) -> tuple[Batch, ...]:
        """All that the ring holds now."""
        return self._ring.parts()

    def never_heard(self, readings: Readings) -> None:
        """Say of those that are missing because they never were connected that this is the reason."""
        never = (readings.reason == Reason.UNKNOWN_THEN) & ~self._changes.heard
        readings.reason[never] = Reason.NEVER_CONNECTED

    def _heard(self, events: Events) -> None:
        first, changed = self._changes.take(events)
        self._ring.add(events, self._clock.now(), epics_now(time.time()))
        for window in self._windows:
            window.heard(events, first)
        if changed.any():
            self._changed(self._pvs[events.rows[int(np.argmax(changed))]], int(changed.sum()))
