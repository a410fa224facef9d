"""Save, restore and compare: what happens in which order, locks, abort, progress, deadlines. Knows neither CA nor SQL.

Decided: an operation is a task of its own, so a client that goes away never stops one; a command that cannot begin is
refused at once rather than queued; locks are on PVs, not on groups. Writes are never retried by themselves.
"""

from .group import Console, Group
from .health import remember, watch_store
from .pace import BATCH
from .plant import Plant, SetSettings
from .protocols import Channels, Progress, Store
from .state import Compared, GroupState, Inputs, Policy, Result, Status, View

__all__ = [
    "BATCH",
    "Channels",
    "Compared",
    "Console",
    "Group",
    "GroupState",
    "Inputs",
    "Plant",
    "Policy",
    "Progress",
    "Result",
    "SetSettings",
    "Status",
    "Store",
    "View",
    "remember",
    "watch_store",
]
