"""The CA server: groups of PVs, command rules and health. Thin: puts become operations, states become PVs.

Decided: PVGroup is a projection of our state, not the model; values are decoded and encoded by our own kinds of PV, because
caproto 1.3.0 lets a client's put poison a PV for all others (see `wire`, `kinds`); its cures stand in `circuit`. The version
of caproto is pinned, and for each cure a test fails when caproto no longer needs it.
"""

from .database import database_text
from .snap_ioc import SnapIoc

__all__ = ["SnapIoc", "database_text"]
