"""The room that records have for texts. An lso cuts what is longer without a word (lsoRecord.c, SIZV), and its own channel,
a DBR_STRING, does not tell; the length of `NAME.VAL$` does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snapioc.model import MAX_STRING, DbrType, Readings, long_text_name

from .protocols import Channels


async def text_room(channels: Channels, pvs: Sequence[str], values: Readings, timeout: float) -> NDArray[np.int32]:
    """For each PV the bytes of text that it has room for now, as `model.check` takes it; row i of `values` is for `pvs[i]`.

    Only PVs are asked that are to get a text of 40 bytes or more, all others have -1. Without a channel `NAME.VAL$`, which
    has `timeout` seconds to connect, nothing longer than a DBR_STRING can be sent.
    """
    room = np.full(len(values), -1, np.int32)
    texts = values.ok & (values.dbr_type == DbrType.STRING) & (values.count == 1)
    rows = np.flatnonzero(texts & (np.diff(values.offsets) >= MAX_STRING))
    if len(rows):
        whole = [long_text_name(pvs[row]) for row in rows.tolist()]
        await channels.connect(whole, timeout)
        states = await channels.states(whole)
        # Each holds a closing NUL too.
        room[rows] = np.where(states.connected, states.element_count, MAX_STRING) - 1
    return room
