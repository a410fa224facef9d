"""What is done again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def every(period: float, action: Callable[[], Awaitable[None]]) -> None:
    """Do something every `period` seconds, for ever; what takes longer delays the next time, and leaves none to catch up."""
    due = time.monotonic()
    while True:
        await action()
        due = max(due + period, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
