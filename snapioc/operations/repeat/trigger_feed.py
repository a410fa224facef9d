"""The subscription to TRIG_PV."""

from __future__ import annotations

from collections.abc import Callable

from snapioc.model import DbrType, Events

from ..protocols import Channels, Subscription
from .options import Options
from .trigger import Kind, Trigger, TriggerOn, TriggerWatch

Wanted = tuple[str, TriggerOn] | None


class TriggerFeed:
    """Hears of TRIG_PV while it is armed; `fired` is called with each trigger, `came` when it connects or goes."""

    def __init__(self, channels: Channels, fired: Callable[[Trigger], None], came: Callable[[], None]) -> None:
        self._channels, self._fired, self._came = channels, fired, came
        self._wanted: Wanted = None
        self._watch: TriggerWatch | None = None
        self._subscription: Subscription | None = None
        self._labels_asked = self._labels_known = 0

    def lacking(self, options: Options) -> str:
        """What is in the way of triggers by these options; empty if nothing is."""
        if self._wanted != _wanted(options) or self._watch is None or not self._watch.connected:
            return "is not connected"
        return "has states whose names are not known yet" if self._labels_known != self._labels_asked else ""

    async def follow(self, options: Options) -> None:
        """Be subscribed to what these options watch. Raises SnapError."""
        wanted = _wanted(options)
        if wanted != self._wanted:
            await self._leave()
            if wanted:
                await self._listen(*wanted)
            self._wanted = wanted

    async def learn_labels(self) -> None:
        """Ask for the names of the states of TRIG_PV if they are wanted and not known. Raises SnapError."""
        asked, watch, wanted = self._labels_asked, self._watch, self._wanted
        if asked != self._labels_known and watch and wanted:
            states = await self._channels.states([wanted[0]])
            watch.labels = states.metadatas[states.metadata[0]].labels if states.metadata[0] >= 0 else ()
            self._labels_known = asked

    async def _listen(self, pv: str, on: TriggerOn) -> None:
        self._watch = watch = TriggerWatch(pv, on)

        def heard(events: Events) -> None:
            was = watch.connected
            for trigger in watch.heard(events):
                self._fired(trigger)
            if watch.connected != was:
                self._labels_asked += on.kind is Kind.BECOME and bool((events.readings.dbr_type == DbrType.ENUM).any())
                self._came()

        self._subscription = await self._channels.subscribe([pv], heard)

    async def _leave(self) -> None:
        if self._subscription:
            await self._subscription.close()
        self._subscription = self._watch = self._wanted = None
        self._labels_known = self._labels_asked


def _wanted(options: Options) -> Wanted:
    return (options.trig_pv, options.trig_on) if options.armed and options.trig_pv else None
