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
        self._labels_missing = False

    @property
    def connected(self) -> bool:
        """Whether the value of TRIG_PV is known now."""
        return self._watch is not None and self._watch.connected

    async def follow(self, options: Options) -> None:
        """Be subscribed to what these options watch. Raises SnapError."""
        wanted = (options.trig_pv, options.trig_on) if options.armed and options.trig_pv else None
        if wanted != self._wanted:
            await self._leave()
            if wanted:
                await self._listen(*wanted)
            self._wanted = wanted
        if self._labels_missing and self._watch:
            self._labels_missing = False
            states = await self._channels.states([options.trig_pv])
            self._watch.labels = states.metadatas[states.metadata[0]].labels if states.metadata[0] >= 0 else ()

    async def _listen(self, pv: str, on: TriggerOn) -> None:
        self._watch = watch = TriggerWatch(pv, on)

        def heard(events: Events) -> None:
            was = watch.connected
            for trigger in watch.heard(events):
                self._fired(trigger)
            if watch.connected != was:
                self._labels_missing = on.kind is Kind.BECOME and bool((events.readings.dbr_type == DbrType.ENUM).any())
                self._came()

        self._subscription = await self._channels.subscribe([pv], heard)

    async def _leave(self) -> None:
        if self._subscription:
            await self._subscription.close()
        self._subscription = self._watch = self._wanted = None
