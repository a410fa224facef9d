"""The PVs of the watch over a set: its golden snapshot, and how far the machine is from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snapioc.model import Severity
from snapioc.operations import Group
from snapioc.operations.watch import DriftWatch, DriftWatches

from .circuit import Put
from .kinds import AnalogPv, LongPv, StringPv, TextPv
from .snap_pv import SnapGroup
from .texts import fit, lines
from .view import local_time
from .wire import INT32

UNKNOWN = -1
"""DRIFT while it is not known: a client that does not look at severities must not take it for 0."""

_NOT_BELOW_ZERO = (0, INT32[1])
_UNLIMITED = (0.0, 0.0)


class WatchPvs(SnapGroup):
    """What every group serves of the watch over its set; the console of that over the set in SET."""

    golden_id = LongPv.pv("GOLDEN_ID", "The set's golden snapshot, 0: none", limits=_NOT_BELOW_ZERO, handler="put_golden")
    period = AnalogPv.pv(
        "DRIFT_PERIOD", "Time between two checks, 0: none", units="s", precision=2, limits=_UNLIMITED, handler="put_period"
    )
    maximum = LongPv.pv("DRIFT_MAX", "More drifted PVs are a MAJOR alarm", limits=_NOT_BELOW_ZERO, handler="put_maximum")
    golden_title = TextPv.pv("GOLDEN_TITLE", "Title of the golden snapshot")
    golden_time = StringPv.pv("GOLDEN_TIME", "When it was taken")
    drifted = TextPv.pv("DRIFTED", "Drifted PVs: name, stored, live")
    drift_time = StringPv.pv("DRIFT_TIME", "When the machine was last compared")
    drift_message = TextPv.pv("DRIFT_MESSAGE", "The drift in one sentence")
    drift = LongPv.pv("DRIFT", "PVs that drifted, -1: not known", limits=(UNKNOWN, INT32[1]))

    def __init__(self, prefix: str, group: Group, watches: DriftWatches) -> None:
        self.control = group
        self._watches = watches
        super().__init__(prefix)

    @property
    def watch(self) -> DriftWatch:
        """The watch that these PVs show and set now."""
        return self._watches.of(self.control.settings.pv_set.name)

    async def refused_put(self, why: str) -> None:
        """A put to one of these PVs was refused."""
        await self.control.refused(why)

    async def put_golden(self, snapshot_id: int, put: Put) -> None:
        """Take the set's golden snapshot."""
        await self.watch.settings.set_golden(snapshot_id)

    async def put_period(self, seconds: float, put: Put) -> None:
        """Take how often the machine is compared with it."""
        await self.watch.settings.set_period(seconds)

    async def put_maximum(self, count: int, put: Put) -> None:
        """Take how many PVs may drift before it is a MAJOR alarm."""
        await self.watch.settings.set_maximum(count)


_SHOWN: Mapping[str, Callable[[DriftWatch], Any]] = {
    "golden_id": lambda watch: watch.settings.golden_id,
    "period": lambda watch: watch.settings.period,
    "maximum": lambda watch: watch.settings.maximum,
    "golden_title": lambda watch: fit(watch.golden.title) if watch.golden else "",
    "golden_time": lambda watch: local_time(watch.golden.taken_at) if watch.golden else "",
    "drifted": lambda watch: lines(watch.drift.lines, watch.drift.show_all, watch.drift.count or 0),
    "drift_time": lambda watch: local_time(watch.compared_at),
    "drift_message": lambda watch: fit(watch.drift.message),
}
"""All but DRIFT itself, which comes last: who sees it rise can read the rest."""


class WatchView:
    """Shows the watch over a group's set, and follows the console from one set to another."""

    def __init__(self, pvs: WatchPvs) -> None:
        self._pvs = pvs
        self._watch: DriftWatch | None = None

    async def start(self) -> None:
        """Show everything as it is when the server starts."""
        await self.news_of(self._pvs.watch)

    async def changed(self) -> None:
        """The group may be of another set now."""
        if self._pvs.watch is not self._watch:
            await self.news_of(self._pvs.watch)

    async def ended(self) -> None:
        """An operation changes nothing here."""

    async def news_of(self, watch: DriftWatch) -> None:
        """Show what is new of a watch, if it is that of the group's set."""
        if watch is not self._pvs.watch:
            return
        self._watch = watch
        for name, value in _SHOWN.items():
            await getattr(self._pvs, name).post(value(watch))
        count = watch.drift.count
        await self._pvs.drift.post(UNKNOWN if count is None else count, drift_severity(watch))


def drift_severity(watch: DriftWatch) -> Severity:
    """MINOR if any PV drifted, MAJOR if more than may, INVALID if that is not known."""
    count = watch.drift.count
    if count is None:
        return Severity.INVALID
    if count > watch.settings.maximum:
        return Severity.MAJOR
    return Severity.MINOR if count else Severity.NO_ALARM
