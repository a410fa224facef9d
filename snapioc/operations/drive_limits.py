"""Whether a record enforces its control limits. Those that Channel Access tells are DRVH and DRVL only of records that have
them and have them set; else they are HOPR and LOPR, which are for displays (longoutRecord.c, get_control_double).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snapioc.model import canonical_name, single_numbers

from .protocols import Channels

PATIENCE = 1.0
"""Seconds after which records whose DRVH and DRVL have not connected count as having none."""


async def for_display_only(channels: Channels, pvs: Sequence[str], timeout: float) -> NDArray[np.bool_]:
    """For each PV whether its control limits keep no value out: no record limits any field but VAL, and VAL by DRVH, DRVL.

    Asks the records of these PVs, so it is for the few whose values are beyond their limits.
    """
    records = [pv.partition(".")[0] for pv in pvs]
    asked = dict.fromkeys(record for record, pv in zip(records, pvs, strict=True) if _is_value(pv))
    fields = [f"{record}.{end}" for end in ("DRVH", "DRVL") for record in asked]
    if not fields:
        return np.ones(len(pvs), bool)
    await channels.connect(fields, PATIENCE)
    high, low = single_numbers(await channels.read(fields, timeout)).reshape(2, -1)
    driven = dict(zip(asked, (high > low).tolist(), strict=True))
    limited = [_is_value(pv) and driven[record] for record, pv in zip(records, pvs, strict=True)]
    return ~np.array(limited, bool)


def _is_value(pv: str) -> bool:
    """Whether it is the field VAL of its record, perhaps with a channel filter."""
    field = canonical_name(pv).partition(".")[2]
    return field.removeprefix("VAL")[:1] in ("", "{", "[")
