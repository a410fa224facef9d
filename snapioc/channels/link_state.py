"""LinkState: a row of ChannelStates, for the aioca engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from .link import Link

STATE_COLUMNS: dict[str, Any] = {
    "ever_connected": bool,
    "connected": bool,
    "readable": bool,
    "writable": bool,
    "dbr_type": np.uint8,
    "element_count": np.int32,
}


def state_of(link: Link) -> dict[str, Any]:
    """What libca and the link know of the channel."""
    # The rights before the look: libca takes them away after it has disconnected.
    rights = {"readable": link.readable, "writable": link.writable}
    return rights | {
        "connected": link.look(),
        "ever_connected": link.ever_connected,
        "dbr_type": link.dbr_type,
        "element_count": link.element_count,
        "metadata": link.metadata,
    }
