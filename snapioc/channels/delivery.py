"""Delivery: takes the events of one subscription from the CA thread to the main event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from snapioc.model import Events

HELD = 64 * 1024 * 1024
"""Bytes of events of one subscription that wait for the main event loop at most: more than a minute of 10,000 numbers/s.

What comes after that is not kept: see `Delivery.full`.
"""

ROW = 64
"""Bytes of an event besides what lies in the heap, about."""


class Delivery:
    """`heard` is called on `loop` with what is posted, in its order, until it is closed. Each attribute has one writer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, heard: Callable[[Events], None]) -> None:
        self._loop, self._heard = loop, heard
        self._posted = self._taken = 0
        self.closed = False
        """Nothing more is wanted; whoever makes the events looks now and then."""

    @property
    def full(self) -> bool:
        """True if the main loop has so much to take that nothing may be posted.

        Who makes the events then leaves them out, and when there is room again says so with a row per PV of which any was
        left out (Reason.EVENTS_LOST), followed by what that PV holds by then.
        """
        return self._posted - self._taken > HELD

    def post(self, events: Events) -> None:
        """Hand over; in the CA thread."""
        size = ROW * len(events) + len(events.readings.heap)
        self._posted += size
        try:
            self._loop.call_soon_threadsafe(self._take, events, size)
        except RuntimeError:  # the main loop has been closed: there is nobody who could hear
            self.closed = True

    def _take(self, events: Events, size: int) -> None:
        self._taken += size
        if not self.closed:
            self._heard(events)


class EventSubscription:
    """Events that keep coming until it is closed."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    async def close(self) -> None:
        """End it; nothing is heard any more when this returns. libca's subscriptions end soon after."""
        self._delivery.closed = True
