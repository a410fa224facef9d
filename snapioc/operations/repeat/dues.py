"""Which snapshot is due next: of triggers, of the grid of PERIOD, or of changes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .options import Options
from .schedule import Grid
from .state import Account
from .trigger import Trigger

PATIENT = 100
"""Triggers that wait with BACK: the ring still knows what was at each of them."""

CHANGED = "the settings changed"
"""Why what was due is missed when PERIOD, ARM, TRIG_PV or TRIG_ON become others while a snapshot is being taken."""

AGAIN = 1.0
"""Seconds at least before a snapshot of a change is tried again, if MIN_INTERVAL is less."""


@dataclass(frozen=True, slots=True)
class Due:
    """A snapshot that is due since `at` of the monotonic clock, with its cause; `changed` if that is a change."""

    at: float
    why: str
    trigger: Trigger | None = None
    changed: str = ""


class Dues:
    """Times and triggers that wait to be served; those that cannot be are counted as missed."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._options = Options()
        self._grid: Grid | None = None
        self._triggers: deque[tuple[float, Trigger]] = deque()
        self._change: tuple[float, str] | None = None
        self._changes = 0
        self._not_before = 0.0

    def follow(self, options: Options, now: float) -> None:
        """Act on these options from now on. A period begins anew only if it, or ARM, is another one.

        What was due by the options of before and had to wait is missed, if nothing will serve it any more.
        """
        before, self._options = self._options, options
        period = options.period if options.armed else 0.0
        if period != (self._grid.period if self._grid else 0.0):
            _, passed = (self._grid.take(now) if self._grid else None) or (0.0, -1)
            self._account.missed(passed + 1, CHANGED)
            self._grid = Grid(period, now) if period else None
        if not options.armed or (options.trig_pv, options.trig_on) != (before.trig_pv, before.trig_on):
            self._account.missed(len(self._triggers), CHANGED)
            self._triggers.clear()
        if not (options.armed and options.on_change):
            self._account.missed(int(self._change is not None and self._change[0] <= now), CHANGED)
            self._change, self._changes = None, 0

    def changed(self, pv: str, count: int, now: float) -> None:
        """A member changed, and `count` events in all are changes."""
        if self._options.armed and self._options.on_change:
            self._changes += count
            self._change = self._change or (max(now, self._not_before), pv)

    def triggered(self, trigger: Trigger, now: float) -> None:
        """TRIG_PV did what is waited for."""
        if len(self._triggers) < (PATIENT if self._options.back else 1):
            self._triggers.append((now, trigger))
        else:
            self._account.missed(1, f"{self._options.trig_pv} triggered while the snapshot before was being taken")

    @property
    def next(self) -> float | None:
        """When something is due; None if nothing is awaited but events."""
        times = [self._triggers[0][0]] if self._triggers else []
        times += [self._grid.next] if self._grid else []
        times += [self._change[0]] if self._change else []
        return min(times, default=None)

    def take(self, now: float) -> Due | None:
        """What is due now: triggers first, as they cannot wait."""
        if self._triggers:
            at, trigger = self._triggers.popleft()
            return Due(at, f"TRIG_PV {trigger.why}", trigger)
        return self._periodic(now) or self._of_change(now)

    def _periodic(self, now: float) -> Due | None:
        taken = self._grid.take(now) if self._grid else None
        if taken is None or self._grid is None:
            return None
        at, passed = taken
        self._account.missed(passed, "the one before was not done in time")
        return Due(at, f"every {self._grid.period:g} s")

    def _of_change(self, now: float) -> Due | None:
        if self._change is None or self._change[0] > now:
            return None
        (at, pv), changes = self._change, self._changes
        # What changes from now on may not be in this snapshot, so it makes another one due.
        self._change, self._changes, self._not_before = None, 0, now + self._options.min_interval
        more = f" and {changes - 1} more changes" if changes > 1 else ""
        return Due(at, f"changed: {pv}{more}", changed=pv)

    def again(self, due: Due, now: float) -> None:
        """A snapshot of a change was missed: the change is still to be caught, but not in one attempt after the other."""
        if due.changed and self._options.armed and self._options.on_change:
            self._changes += 1
            self._change = (max(self._not_before, now + AGAIN), due.changed)
