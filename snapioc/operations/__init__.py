"""Save, restore, undo and compare: what happens in which order, locks, abort, progress, deadlines. Knows neither CA nor SQL.

Decided: an operation is a task of its own, so a client that goes away never stops one; a command that cannot begin is
refused at once rather than queued; locks are on PVs, not on groups. Writes are never retried by themselves.

A restore first does all that changes nothing (`planning`, which is also the preview), then commits what is there together
with its record, then writes, and closes the record after the last verdict. UNDO is an ordinary restore of the snapshot that
the last record points to: so it is checked, recorded and undoable itself, and a second one redoes. What it must not
overwrite it knows from that record: a PV that holds neither what was written nor what was found after the writes was moved
by somebody. The other way, to keep the undo point in memory or as a flag on a snapshot, would not survive a kill, and would
not know about clamped values.

Limits and labels are read anew before each restore, for DBE_PROPERTY events come when they come; so is DISP, which no
access right shows. Both cost about as much as reading the values once.
"""

from .console import Console
from .group import Group
from .health import remember, watch_store
from .pace import BATCH
from .plant import Plant, SetSettings
from .protocols import Channels, Progress, Store
from .state import Compared, GroupState, Inputs, Policy, Result, Status, View
from .tidying import tidy

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
    "tidy",
    "watch_store",
]
