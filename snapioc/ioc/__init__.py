"""The CA server: groups of PVs, command rules and health. Thin: puts become operations, states become PVs.

Decided: PVGroup is a projection of our state, not the model; values are decoded and encoded by our own kinds of PV, because
caproto 1.3.0 lets a client's put poison a PV for all others (see `wire`, `served`); its other bugs are cured in `circuit`,
`server` and `network`. The version of caproto is pinned, and for each cure a test fails when caproto no longer needs it.
"""

from .snap_ioc import SnapIoc

__all__ = ["SnapIoc"]
