"""What was heard of a subscription, and waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from snapioc.model import Events, Reading, Reason


class Heard:
    """Keeps all events, by place in the list that was subscribed to."""

    def __init__(self) -> None:
        self.batches: list[Events] = []

    def __call__(self, events: Events) -> None:
        assert len(events.rows) == len(events.readings)
        self.batches.append(events)

    def __len__(self) -> int:
        return sum(map(len, self.batches))

    def of(self, row: int) -> list[Reading]:
        return [
            events.readings.reading(place)
            for events in self.batches
            for place, mine in enumerate(events.rows.tolist())
            if mine == row
        ]

    def values(self, row: int) -> list[object]:
        """Values, and the reasons why there was none."""
        return [reading.value if reading.reason is Reason.OK else reading.reason for reading in self.of(row)]

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not enough():
                await asyncio.sleep(0.02)
