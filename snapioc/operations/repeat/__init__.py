"""Snapshots that take themselves: on a grid of times, on changes, on triggers; as windows, or of a moment that is over.

Decided: an automatic snapshot occupies no group and holds no lock, so that it never stands in an operator's way. It looks
for restores that write its PVs instead, and is thrown away and counted as missed if there is one. Snapshots of one set are
taken one after the other, and nothing piles up: what could not be taken in time is counted, with its reason. Triggers alone
wait, one of them, and more with BACK, which still knows what was then.

Events are kept in the batches in which they come and looked at as columns: 10,000 a second one by one would take a core.
"The last value at or before the trigger" is by the time stamps of EPICS, as integers, since nothing else is common to the
IOCs; what those clocks are worth, the answer is worth. A record that never processed has the stamp 0, which is before any
trigger; one whose clock is ahead has no value from before the trigger, and is missing. That a PV went has no stamp but ours.
"""

from .options import LIMITS, SETTINGS, Options
from .repeat import Repeat
from .repeats import Repeats
from .state import RepeatState

__all__ = ["LIMITS", "SETTINGS", "Options", "Repeat", "RepeatState", "Repeats"]
