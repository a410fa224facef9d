"""Texts that their events do not hold whole: an event of a text ends after 39 bytes, where a read asks for all of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snapioc.model import Flag, Readings

from ..protocols import Channels


async def with_whole_texts(channels: Channels, pvs: Sequence[str], readings: Readings, timeout: float) -> Readings:
    """The readings with the texts that were cut read whole, where a PV still holds what it held. Raises SnapError."""
    rows = np.flatnonzero(readings.ok & (readings.flags & Flag.CUT != 0))
    if not len(rows):
        return readings
    read = await channels.read([pvs[row] for row in rows.tolist()], timeout)
    stamped_alike = (read.seconds == readings.seconds[rows]) & (read.nanoseconds == readings.nanoseconds[rows])
    begins_alike = [read.raw(place).startswith(readings.raw(row)) for place, row in enumerate(rows.tolist())]
    same = np.flatnonzero(read.ok & stamped_alike & np.array(begins_alike, bool))
    return readings.patched(rows[same], read.select(same))
