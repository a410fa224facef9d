"""The watch over a set: how far the live machine is from the set's golden snapshot, told again and again.

Decided: a check is a direct read of all PVs and no operation. It holds no lock and shows in no STATUS, so it never stands in
an operator's way; while a restore writes PVs of the set it is left out instead. Monitors on all PVs, the other way, cost
more than a read once a second as soon as readbacks jitter, and what a server drops they leave stale without a word.

What is not known is told as such: the count of a check that could not be made is None, never the one of the check before.
Each set has a watch and a task of its own, so that the deadline of one with a hung IOC delays no other.
"""

from .drift import DriftWatch
from .golden import Drift
from .watches import DriftWatches

__all__ = ["Drift", "DriftWatch", "DriftWatches"]
