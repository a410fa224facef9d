"""Absence: why channels are not asked at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Reason

from .asking import Rows
from .core import Core


def why_not_asked(core: Core, channels: Rows) -> NDArray[np.uint8]:
    """A Reason per channel; OK: it can be asked, as soon as libca owes it no answer."""
    table = core.table
    why = np.full(len(channels), Reason.OK, np.uint8)
    # The later ones count more. A server that hangs may be one that libca calls disconnected.
    why[core.servers.late(channels)] = Reason.NO_ANSWER
    why[~table.readable[channels]] = Reason.NO_READ_ACCESS
    why[~table.connected[channels]] = Reason.DISCONNECTED
    why[core.servers.hung(channels)] = Reason.HUNG
    why[~table.ever_connected[channels]] = Reason.NEVER_CONNECTED
    return why
