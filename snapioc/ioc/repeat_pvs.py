"""The PVs of the snapshots that a set takes by itself: what leads to them, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snapioc.model import Severity
from snapioc.operations import Group
from snapioc.operations.repeat import LIMITS, Repeat, Repeats

from .circuit import Put
from .kinds import AnalogPv, BinaryPv, FilterPv, LongPv, StringPv, TextPv
from .snap_pv import SnapGroup
from .texts import fit, lines
from .view import local_time
from .wire import INT32

_NOT_BELOW_ZERO = (0, INT32[1])
_UNLIMITED = (0.0, 0.0)
_SWITCH = ("Off", "On")


class WholeTextPv(FilterPv):
    """A text that is refused if it may have been cut on the way."""

    def severity_of(self, value: str) -> Severity:
        """None: it is all right that there is a text."""
        return Severity.NO_ALARM


class RepeatPvs(SnapGroup):
    """What every group serves of the repetition of its set; the console of that of the set in SET."""

    arm = BinaryPv.pv("ARM", "Whether snapshots take themselves", labels=_SWITCH, handler="put_arm")
    period = AnalogPv.pv(
        "PERIOD", "A snapshot that often, 0: off", units="s", precision=3, limits=_UNLIMITED, handler="put_period"
    )
    keep = TextPv.pv("KEEP", "Automatic ones stay: 100, 12h, 7d; all", handler="put_keep")
    on_change = BinaryPv.pv("ON_CHANGE", "A snapshot when a PV changed", labels=_SWITCH, handler="put_on_change")
    min_interval = AnalogPv.pv(
        "MIN_INTERVAL",
        "... at most that often",
        units="s",
        precision=3,
        limits=_UNLIMITED,
        handler="put_min_interval",
    )
    trig_pv = WholeTextPv.pv("TRIG_PV", "A snapshot when this PV says so", handler="put_trig_pv")
    trig_on = WholeTextPv.pv("TRIG_ON", "... by: change, rise, = value", handler="put_trig_on")
    burst = LongPv.pv("BURST", "Snapshots in a row", limits=(1, int(LIMITS["BURST"][1])), handler="put_burst")
    window = AnalogPv.pv(
        "WINDOW",
        "Keep all events that long, 0: none",
        units="ms",
        precision=1,
        limits=LIMITS["WINDOW"],
        handler="put_window",
    )
    sub_push = AnalogPv.pv(
        "SUB_PUSH",
        "Show a window's events that often",
        units="ms",
        precision=1,
        limits=LIMITS["SUB_PUSH"],
        handler="put_push",
    )
    back = AnalogPv.pv(
        "BACK", "Know the past of triggers, 0: no", units="ms", precision=1, limits=LIMITS["BACK"], handler="put_back"
    )
    watched = TextPv.pv("ARMED_WHY", "What a snapshot is waited for")
    message = TextPv.pv("AUTO_MESSAGE", "Why one was missed last, and when")
    missed = LongPv.pv("MISSED", "Due snapshots that were not taken", limits=_NOT_BELOW_ZERO)
    late = AnalogPv.pv("LATE", "How late the last one began", units="ms", precision=1, limits=_UNLIMITED)
    window_events = LongPv.pv("WIN_EVENTS", "Events in the newest window", limits=_NOT_BELOW_ZERO)
    window_pvs = LongPv.pv("WIN_PVS", "PVs that had any", limits=_NOT_BELOW_ZERO)
    window_text = TextPv.pv("WIN_TEXT", "Its newest events: name, value")
    last_time = StringPv.pv("AUTO_LAST_TIME", "When the newest one was taken")
    last_id = LongPv.pv("AUTO_LAST_ID", "Newest snapshot that took itself", limits=_NOT_BELOW_ZERO)
    taken = LongPv.pv("TAKEN", "Snapshots taken since the IOC started", limits=_NOT_BELOW_ZERO)

    def __init__(self, prefix: str, group: Group, repeats: Repeats) -> None:
        self.control = group
        self._repeats = repeats
        super().__init__(prefix)

    @property
    def repeat(self) -> Repeat:
        """The repetition that these PVs show and set now."""
        return self._repeats[self.control.settings.pv_set.name]

    async def refused_put(self, why: str) -> None:
        """A put to one of these PVs was refused."""
        await self.control.refused(why)

    async def put_arm(self, wanted: int, put: Put) -> None:
        """Take whether anything of this is active."""
        await self.repeat.put("ARM", str(wanted))

    async def put_period(self, seconds: float, put: Put) -> None:
        """Take how often."""
        await self.repeat.put("PERIOD", repr(seconds))

    async def put_keep(self, text: str, put: Put) -> None:
        """Take how many stay, or how long."""
        await self.repeat.put("KEEP", text.strip())

    async def put_on_change(self, wanted: int, put: Put) -> None:
        """Take whether a change of a member leads to a snapshot."""
        await self.repeat.put("ON_CHANGE", str(wanted))

    async def put_min_interval(self, seconds: float, put: Put) -> None:
        """Take how often at most."""
        await self.repeat.put("MIN_INTERVAL", repr(seconds))

    async def put_trig_pv(self, name: str, put: Put) -> None:
        """Take which PV triggers."""
        await self.repeat.put("TRIG_PV", name.strip())

    async def put_trig_on(self, text: str, put: Put) -> None:
        """Take what it has to do."""
        await self.repeat.put("TRIG_ON", text.strip())

    async def put_burst(self, count: int, put: Put) -> None:
        """Take how many snapshots in a row."""
        await self.repeat.put("BURST", str(count))

    async def put_window(self, milliseconds: float, put: Put) -> None:
        """Take how long a window is."""
        await self.repeat.put("WINDOW", repr(milliseconds))

    async def put_push(self, milliseconds: float, put: Put) -> None:
        """Take how often a running window is shown."""
        await self.repeat.put("SUB_PUSH", repr(milliseconds))

    async def put_back(self, milliseconds: float, put: Put) -> None:
        """Take how far back the past is known."""
        await self.repeat.put("BACK", repr(milliseconds))


_SHOWN: Mapping[str, Callable[[Repeat], Any]] = {
    "arm": lambda repeat: int(repeat.options.armed),
    "period": lambda repeat: repeat.options.period,
    "keep": lambda repeat: repeat.options.keep.text,
    "on_change": lambda repeat: int(repeat.options.on_change),
    "min_interval": lambda repeat: repeat.options.min_interval,
    "trig_pv": lambda repeat: repeat.options.trig_pv,
    "trig_on": lambda repeat: repeat.options.trig_on.text,
    "burst": lambda repeat: repeat.options.burst,
    "window": lambda repeat: repeat.options.window,
    "sub_push": lambda repeat: repeat.options.sub_push,
    "back": lambda repeat: repeat.options.back,
    "watched": lambda repeat: fit(repeat.state.watched),
    "message": lambda repeat: fit(_message(repeat)),
    "missed": lambda repeat: repeat.state.missed,
    "late": lambda repeat: round(repeat.state.late, 1),
    "window_events": lambda repeat: repeat.state.window_events,
    "window_pvs": lambda repeat: repeat.state.window_pvs,
    "window_text": lambda repeat: lines(repeat.state.window_lines, "snapioc show"),
    "last_time": lambda repeat: local_time(repeat.state.last_time),
    "last_id": lambda repeat: repeat.state.last_id,
    "taken": lambda repeat: repeat.state.taken,
}
"""TAKEN comes last: who sees it rise can read the rest."""


class RepeatView:
    """Shows the repetition of a group's set, and follows the console from one set to another."""

    def __init__(self, pvs: RepeatPvs) -> None:
        self._pvs = pvs
        self._repeat: Repeat | None = None

    async def start(self) -> None:
        """Show everything as it is when the server starts."""
        await self.news_of(self._pvs.repeat)

    async def changed(self) -> None:
        """The group may be of another set now."""
        if self._pvs.repeat is not self._repeat:
            await self.news_of(self._pvs.repeat)

    async def ended(self) -> None:
        """An operation changes nothing here."""

    async def news_of(self, repeat: Repeat) -> None:
        """Show what is new of a repetition, if it is that of the group's set."""
        if repeat is self._pvs.repeat:
            self._repeat = repeat
            for name, value in _SHOWN.items():
                await getattr(self._pvs, name).post(value(repeat))


def _message(repeat: Repeat) -> str:
    state = repeat.state
    return f"{state.message} ({local_time(state.message_at)})" if state.message else ""
