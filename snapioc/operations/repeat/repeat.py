"""Repeat: what one set does by itself, from its settings to the snapshots that they lead to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from snapioc.model import AUTOMATIC, SnapError, Wanted

from ..enduring import enduring
from ..plant import Plant, SetSettings
from .dues import Due, Dues
from .keep import Keep
from .members import Members
from .options import Options, options_of, parse
from .pruning import Pruning
from .schedule import Clock
from .state import Account, RepeatState
from .taking import Taking
from .trigger import Trigger
from .trigger_feed import TriggerFeed
from .watched import watched
from .windows import Windows

RETRY = 1.0
"""Seconds after which a subscription that could not be made or ended is tried again."""

LOOK = 0.2
"""Seconds between two looks at which PVs have told what they hold, while some have not."""

_log = logging.getLogger(__name__)


class Repeat:
    """The repetition of one set. `watchers` are called with it when its options or its state are others."""

    def __init__(self, plant: Plant, settings: SetSettings, clock: Clock | None = None) -> None:
        self.name = settings.pv_set.name
        self.options = Options()
        self.watchers: list[Callable[[Repeat], Awaitable[None]]] = []
        self._plant, self._clock = plant, clock or Clock()
        self._account = Account(self.name, time.time)
        self._dues = Dues(self._account)
        self._wake, self._came = asyncio.Event(), asyncio.Event()
        channels, publish = plant.channels, self._publish
        self._members = Members(channels, settings.pv_set.pvs, self._clock, self._member_changed, self._came.set)
        self._trigger = TriggerFeed(channels, self._triggered, self._came.set)
        self.windows = Windows(channels, settings, self._members, self._clock, self.state, publish)
        self._taking = Taking(plant, settings, self._members, self.windows, self._clock)
        self._pruning = Pruning(plant, self.name, self._account, publish)
        self._patience = settings.read_timeout
        self._remembered = False
        self._fault = self._deaf = ""
        plant.settings.watchers.append(self._follow)

    @property
    def state(self) -> RepeatState:
        """What it shows of itself."""
        return self._account.state

    async def put(self, name: str, text: str) -> None:
        """Set one of SETTINGS. Raises Refused with the reason."""
        parse(name, text)
        self._plant.settings.change(self.name, name, text)
        self._follow()
        await self._publish()
        await self._plant.settings.kept()

    async def run(self) -> None:
        """Take snapshots for ever."""
        self._follow()
        async with asyncio.TaskGroup() as tasks:
            for what, work in (
                ("taking snapshots", self._repeat),
                ("hearing PVs", self._attend),
                ("deleting old snapshots", self._pruning.run),
            ):
                tasks.create_task(enduring(f"{what} of {self.name}", work, self._defect))

    def _follow(self) -> None:
        """Act on the settings as they are now."""
        self.options = options = options_of(lambda name: self._plant.settings.get(self.name, name))
        self._dues.follow(options, self._clock.now())
        self._pruning.keep = options.keep if options.armed else Keep()
        self.windows.follow(options)
        if options.armed and options.window:
            self._plant.windows[self.name] = self.windows.take
        else:
            self._plant.windows.pop(self.name, None)
        self._wake.set()

    def _member_changed(self, pv: str, count: int) -> None:
        self._dues.changed(pv, count, self._clock.now())
        self._wake.set()

    def _triggered(self, trigger: Trigger) -> None:
        self._dues.triggered(trigger, self._clock.now())
        self._wake.set()

    async def _repeat(self) -> None:
        while True:
            self._wake.clear()
            again = await self._arrange()
            due = self._dues.take(self._clock.now())
            if due:
                await self._serve(due)
                continue
            await self._publish()
            times = [at for at in (self._dues.next, again) if at is not None]
            await self._clock.wait(self._wake, min(times, default=None))

    async def _attend(self) -> None:
        """Show who came, went and was heard, also while a snapshot is being taken."""
        while True:
            self._came.clear()
            again = await self._look()
            await self._publish()
            await self._clock.wait(self._came, again)

    async def _look(self) -> float | None:
        """See whether all that can be heard is; when to look again if not."""
        try:
            await self._trigger.learn_labels()
            silent = await self._members.unheard() if self._members.listening and self._patient else 0
        except SnapError as fault:
            self._deaf = str(fault)
            return self._clock.now() + RETRY
        self._deaf = ""
        return self._clock.now() + LOOK if silent else None

    @property
    def _patient(self) -> bool:
        return self._clock.now() < self._members.since + self._patience

    async def _defect(self, why: str) -> None:
        self._account.failed(why)
        await self._publish()

    async def _arrange(self) -> float | None:
        """Have the subscriptions be as the options want them; when to try again if that failed."""
        try:
            await self._remember()
            await self._trigger.follow(self.options)
            if self.options.hears_members:
                await self._members.listen(self.options.back / 1e3)
            elif self._members.listening:
                await self._members.leave()
        except SnapError as fault:
            self._fault = str(fault)
            return self._clock.now() + RETRY
        self._fault = ""
        return self._clock.now() + RETRY if self._members.listening and not self.options.hears_members else None

    async def _remember(self) -> None:
        """Take over the newest automatic snapshot of before the start, once the store has answered at all."""
        if self._plant.remembered and not self._remembered:
            page = await self._plant.store.find(Wanted(kinds=(AUTOMATIC,), set_name=self.name), limit=1)
            self._remembered = True
            for header in page.headers:
                self._account.remember(header)

    async def _serve(self, due: Due) -> None:
        options = self.options
        self.state.late = (self._clock.now() - due.at) * 1e3
        for number in range(1, options.burst + 1):
            title = due.why if options.burst == 1 else f"{due.why} ({number} of {options.burst})"
            # Only the first one of a burst is of the trigger's own time.
            await self._take(options, due if number == 1 else Due(due.at, due.why), title)
            if not self.options.armed:
                return

    async def _take(self, options: Options, due: Due, title: str) -> None:
        try:
            header = await self._taking.take(options, due, title)
        except SnapError as why:
            self._account.missed(1, str(why))
            self._dues.again(due, self._clock.now())
        except Exception as defect:  # a defect of ours must not end the repetition, let alone the IOC
            _log.exception("automatic snapshot of %s", self.name)
            self._account.missed(1, f"a defect of snapioc, see its log: {defect!r}")
        else:
            self._account.took(header)
            self._pruning.after_snapshot()
        await self._publish()

    async def _publish(self) -> None:
        self.state.watched = watched(
            self.options, self._trigger.lacking(self.options), self._members, self._patient, self._fault or self._deaf
        )
        for watcher in self.watchers:
            await watcher(self)
