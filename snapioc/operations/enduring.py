"""Work that goes on for ever, whatever defect it has: only its own part may stand still for a while, never the IOC."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from functools import partial

REST = 1.0
"""Seconds after a defect before the work is begun again."""

_log = logging.getLogger(__name__)

Place = tuple[type[Exception], str, int | None]


async def enduring(
    what: str, work: Callable[[], Awaitable[None]], tell: Callable[[str], Awaitable[None]] | None = None
) -> None:
    """Do `work`, and begin it again after each exception that it ends with; `tell` is called with a line about it.

    Each is logged once per kind, which is its type and the line that raised it.
    """
    logged: set[Place] = set()
    while why := await _fault(what, work, logged):
        if tell:
            await _fault(what, partial(tell, why), logged)
        await asyncio.sleep(REST)


async def _fault(what: str, work: Callable[[], Awaitable[None]], logged: set[Place]) -> str:
    try:
        await work()
    except Exception as defect:  # a defect of ours must not end what else the IOC does; it is logged and begun again
        frame = traceback.extract_tb(defect.__traceback__)[-1]
        place = (type(defect), frame.filename, frame.lineno)
        if place not in logged:
            logged.add(place)
            _log.exception("%s: begun again after a defect, of which the log tells once", what)
        return f"a defect of snapioc, see its log: {defect!r}"
    return ""
