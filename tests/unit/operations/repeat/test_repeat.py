"""The repetition of a set on a machine in memory, with a clock that the test drives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from snapioc.model import AUTOMATIC, DbrType, Reason, Refused, SnapError
from snapioc.operations import enduring
from snapioc.operations.repeat import Repeat, Repeats

from ..fakes import FakeChannels, FakePv
from ..machine import OPERATOR, Machine
from .hand_clock import HandClock, spin


class Site:
    """The machine of two sets, with the repetition of A."""

    def __init__(self, **machine: object) -> None:
        self.machine, self.clock = Machine(**machine), HandClock()  # type: ignore[arg-type]
        self.channels: FakeChannels = self.machine.channels
        self.repeat = Repeat(self.machine.plant, self.machine.plant.sets["A"], self.clock)

    async def set(self, **settings: object) -> None:
        for name, value in settings.items():
            await self.repeat.put(name, str(value))

    @property
    def counts(self) -> tuple[int, int]:
        """TAKEN and MISSED."""
        return self.repeat.state.taken, self.repeat.state.missed

    @property
    def titles(self) -> list[str]:
        return [snapshot.header.title for snapshot in self.machine.store.snapshots.values()]

    def values(self, number: int = -1) -> list[Any]:
        readings = list(self.machine.store.snapshots.values())[number].readings
        return [readings.value(row) if readings.ok[row] else Reason(readings.reason[row]) for row in range(len(readings))]

    async def takes(self, wanted: int) -> None:
        """What a thread works at is done soon, whatever the clock of the test says."""
        async with asyncio.timeout(10):
            while self.repeat.state.taken < wanted:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def running(site: Site | None = None, **settings: object) -> AsyncIterator[Site]:
    site = site or Site()
    await site.set(**settings, ARM=1)
    task = asyncio.create_task(site.repeat.run())
    await spin()
    try:
        yield site
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_is_set_counts_before_it_is_on_disk() -> None:
    async with running(PERIOD=1) as site:
        site.machine.store.unlocked = asyncio.Event()
        put = asyncio.create_task(site.repeat.put("ARM", "0"))
        await asyncio.sleep(0)
        assert not site.repeat.options.armed
        assert site.machine.store.kept["A", "ARM"] == "1"
        site.machine.store.unlocked.set()
        await put
        assert site.machine.store.kept["A", "ARM"] == "0"


async def test_nothing_happens_unless_it_is_armed() -> None:
    async with running(PERIOD=1) as site:
        await site.set(ARM=0)
        await site.clock.advance(100)
        assert site.counts == (0, 0)
        assert site.repeat.state.watched == "ARM is 0"


async def test_period() -> None:
    async with running(PERIOD=10) as site:
        await site.clock.advance(9.9)
        assert site.counts == (0, 0)
        await site.clock.advance(40.2)
        assert site.counts == (5, 0)
        assert site.repeat.state.late == 0
        (header, *_) = [snapshot.header for snapshot in site.machine.store.snapshots.values()]
        assert (header.kind, header.title, header.origin.group) == (AUTOMATIC, "every 10 s", "A")
        assert (site.machine.a.state.last_id, site.repeat.state.last_id) == (0, 1005)
        assert site.machine.plant.newest
        assert site.machine.plant.newest.id == 1005
        assert site.repeat.state.watched == "every 10 s"


async def test_the_grid_goes_on_when_other_settings_change() -> None:
    async with running(PERIOD=10) as site:
        await site.clock.advance(9)
        await site.set(KEEP="5", BURST=1, MIN_INTERVAL=2)
        await site.clock.advance(1)
        assert site.counts == (1, 0)
        await site.set(PERIOD=3)
        await site.clock.advance(2.9)
        assert site.counts == (1, 0)
        await site.clock.advance(0.1)
        assert site.counts == (2, 0)


async def test_what_a_slow_machine_does_not_give_in_time_is_missed() -> None:
    async with running(PERIOD=1) as site:
        site.channels.gate = asyncio.Event()
        await site.clock.advance(4.5)
        site.channels.gate.set()
        await spin()
        # Of 1 s there is one, that of 4 s began late, and those of 2 and 3 s have passed.
        assert site.counts == (2, 2)
        assert site.repeat.state.late == pytest.approx(500)
        assert site.repeat.state.message == "missed: the one before was not done in time"
        await site.clock.advance(0.5)
        assert site.counts == (3, 2)


async def test_a_restore_makes_it_miss(caplog: pytest.LogCaptureFixture) -> None:
    async with running(PERIOD=1) as site:
        with site.machine.plant.locks.hold("the restore of 1001 by A", ["A:3"], writes=True):
            await site.clock.advance(3)
        assert site.counts == (0, 3)
        assert site.repeat.state.message == "missed: the restore of 1001 by A was writing"
        with site.machine.plant.locks.hold("the restore of 1002 by B", ["B:1"], writes=True):
            await site.clock.advance(1)
        assert site.counts == (1, 3)
    assert [record.levelno for record in caplog.records if "missed" in record.message] == [logging.WARNING]


async def test_a_restore_that_comes_and_goes_during_the_read() -> None:
    async with running(PERIOD=1) as site:
        site.channels.gate = asyncio.Event()
        await site.clock.advance(1)
        with site.machine.plant.locks.hold("the restore of 1001 by A", ["A:3"], writes=True):
            pass
        site.channels.gate.set()
        await spin()
        assert site.counts == (0, 1)


async def test_it_never_stands_in_the_way_of_a_restore() -> None:
    async with running(PERIOD=1) as site:
        saved = await site.machine.saved()
        site.channels.gate = asyncio.Event()
        await site.clock.advance(1)
        restore = asyncio.create_task(site.machine.a.restore(saved, OPERATOR))
        await spin()
        site.channels.gate.set()
        assert await restore


@pytest.mark.parametrize("spoil", ["read nothing", "channels", "store", "defect"])
async def test_what_fails_is_missed_and_it_goes_on(spoil: str) -> None:
    def fail(error: Exception) -> Callable[[str], None]:
        def hook(call: str) -> None:
            if call == "read":
                raise error

        return hook

    async with running(PERIOD=1) as site:
        pvs = {name: site.machine.pvs[name] for name in ("A:1", "A:2", "A:3")}
        if spoil == "read nothing":
            for pv in pvs.values():
                pv.reason = Reason.DISCONNECTED
        elif spoil == "store":
            site.machine.store.fault = "the disk is full"
        else:
            site.channels.hook = fail(SnapError("CA hangs") if spoil == "channels" else ZeroDivisionError("oh"))
        await site.clock.advance(2)
        assert site.counts == (0, 2)
        why = {"read nothing": "3 disconnected", "channels": "CA hangs", "store": "the disk is full", "defect": "oh"}
        assert why[spoil] in site.repeat.state.message
        for pv in pvs.values():
            pv.reason = Reason.OK
        site.machine.store.fault = None
        site.channels.hook = lambda call: None
        await site.clock.advance(2)
        assert site.counts == (2, 2)


async def test_bad_settings_are_refused_and_change_nothing() -> None:
    async with running(PERIOD=1) as site:
        before = site.repeat.options
        for name, bad in {"PERIOD": "0.01", "KEEP": "many", "BURST": "0", "TRIG_PV": "A B"}.items():
            with pytest.raises(Refused, match=name):
                await site.set(**{name: bad})
        assert site.repeat.options == before


async def test_settings_of_before_the_start_are_taken_over_late() -> None:
    site = Site()
    await site.machine.store.keep_settings({("A", "PERIOD"): "5", ("A", "ARM"): "1", ("B", "ARM"): "1"})
    task = asyncio.create_task(site.repeat.run())
    await site.clock.advance(20)
    assert site.counts == (0, 0)
    await site.machine.plant.settings.load()
    await site.clock.advance(5)
    assert site.counts == (1, 0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_newest_one_of_before_the_start_is_remembered() -> None:
    async with running(PERIOD=1) as site:
        await site.clock.advance(3)
        again = Repeat(site.machine.plant, site.machine.plant.sets["A"], site.clock)
        site.machine.plant.remembered = True
        task = asyncio.create_task(again.run())
        await spin()
        assert again.state.last_id == site.repeat.state.last_id
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_changes() -> None:
    async with running(ON_CHANGE=1, MIN_INTERVAL=10) as site:
        await site.clock.advance(100)
        assert site.counts == (0, 0)  # the first events are none
        site.channels.happens("A:2", value=5.0)
        await spin()
        assert site.counts == (1, 0)
        for value in range(10):  # a storm
            site.channels.happens("A:1", "A:2", value=100.0 + value)
            await site.clock.advance(0.5)
        assert site.counts == (1, 0)
        await site.clock.advance(100)
        assert site.counts == (2, 0)  # the trailing change was caught, with what it left
        assert site.values() == [109.0, 109.0, 2.0]
        assert site.titles == ["changed: A:2", "changed: A:1 and 19 more changes"]


async def test_reconnections() -> None:
    async with running(ON_CHANGE=1, MIN_INTERVAL=0) as site:
        await site.clock.advance(1)
        site.channels.happens("A:1", reason=Reason.DISCONNECTED)
        site.channels.happens("A:1", reason=Reason.OK)
        await site.clock.advance(1)
        assert site.counts == (0, 0)
        site.channels.happens("A:1", reason=Reason.DISCONNECTED)
        site.channels.happens("A:1", reason=Reason.OK, value=77.0)
        await site.clock.advance(1)
        assert site.counts == (1, 0)


async def test_a_change_that_was_missed_is_caught_later() -> None:
    async with running(ON_CHANGE=1, MIN_INTERVAL=2) as site:
        await site.clock.advance(1)
        with site.machine.plant.locks.hold("the restore of 1001 by A", ["A:1"], writes=True):
            site.channels.happens("A:1", value=5.0)
            await site.clock.advance(3.9)
            assert site.counts == (0, 2)
        await site.clock.advance(2)
        assert site.counts == (1, 2)
        await site.clock.advance(100)
        assert site.counts == (1, 2)


async def test_a_change_that_cannot_be_caught_is_not_tried_without_end() -> None:
    async with running(ON_CHANGE=1, MIN_INTERVAL=0) as site:
        await site.clock.advance(1)
        site.machine.store.fault = "the disk is full"
        site.channels.happens("A:1", value=5.0)
        await site.clock.advance(9.5)
        assert site.counts == (0, 10)
        site.machine.store.fault = None
        await site.clock.advance(1)
        assert site.counts == (1, 10)


async def trigger_pv(site: Site) -> None:
    site.machine.pvs["T"] = FakePv(0.0)
    await site.set(TRIG_PV="T", TRIG_ON="rise")
    await spin()


async def test_triggers() -> None:
    async with running() as site:
        await site.set(TRIG_PV="T", TRIG_ON="rise")
        await spin()
        assert site.repeat.state.watched == "TRIG_PV T (rise) is not connected"
        site.channels.happens("T", value=1.0, reason=Reason.OK)  # the first event is no trigger
        await spin()
        assert site.repeat.state.watched == "TRIG_PV T (rise)"
        site.channels.happens("T", value=0.0)
        site.channels.happens("T", value=2.0)
        await spin()
        assert (site.counts, site.titles) == ((1, 0), ["TRIG_PV T rose to 2.0"])
        await site.set(TRIG_ON="= 2")
        await spin()
        site.channels.happens("T", value=3.0)
        await spin()
        assert site.counts == (1, 0)
        site.channels.happens("T", value=2.0)
        await spin()
        assert site.titles[1:] == ["TRIG_PV T became 2.0"]


async def test_triggers_that_come_too_fast_are_missed() -> None:
    async with running() as site:
        await trigger_pv(site)
        site.channels.gate = asyncio.Event()
        for _ in range(5):
            site.channels.happens("T", value=1.0)
            site.channels.happens("T", value=0.0)
            await spin()
        site.channels.gate.set()
        await spin()
        # One is being taken, one waits.
        assert site.counts == (2, 3)


async def test_burst() -> None:
    async with running(BURST=3, PERIOD=1) as site:
        await site.clock.advance(1)
        assert site.titles == [f"every 1 s ({number} of 3)" for number in (1, 2, 3)]


async def test_back_is_what_was_then() -> None:
    async with running(BACK=5000) as site:
        await trigger_pv(site)
        site.channels.happens("A:1", value=10.0, seconds=100)
        site.channels.happens("A:2", value=20.0, seconds=100, nanoseconds=500)
        site.channels.happens("A:2", value=21.0, seconds=100, nanoseconds=501)
        site.channels.happens("A:3", value=30.0, seconds=200)
        site.channels.happens("T", value=1.0, seconds=100, nanoseconds=500)
        site.channels.happens("A:1", value=11.0, seconds=100, nanoseconds=500)  # on its way when the trigger came
        await site.clock.advance(0.1)
        site.channels.happens("A:1", value=12.0, seconds=101)
        await site.clock.advance(1)
        await site.takes(1)
        assert site.values() == [11.0, 20.0, 2.0]
        comment = next(iter(site.machine.store.snapshots.values())).header.comment
        assert ".000000500" in comment


async def test_back_knows_nothing_of_before_it_was_armed() -> None:
    async with running(BACK=5000) as site:
        site.machine.pvs["A:3"].reason = Reason.NEVER_CONNECTED
        await trigger_pv(site)
        await site.set(ARM=0)
        await spin()
        await site.set(ARM=1)
        await spin()
        site.channels.happens("A:1", value=10.0, seconds=100)
        site.channels.happens("T", value=1.0, seconds=0, nanoseconds=1)
        await site.clock.advance(1)
        assert site.counts == (0, 1)
        assert "no time stamp" in site.repeat.state.message
        site.channels.happens("T", value=0.0)
        site.channels.happens("T", value=1.0, seconds=1)
        await site.clock.advance(1)
        await site.takes(1)
        assert site.values() == [0.0, 1.0, Reason.NEVER_CONNECTED]


async def test_back_during_a_restore_is_kept_and_says_so() -> None:
    async with running(BACK=5000) as site:
        await trigger_pv(site)
        with site.machine.plant.locks.hold("the restore of 1001 by A", ["A:1"], writes=True):
            site.channels.happens("T", value=1.0, seconds=100)
            await site.clock.advance(1)
            await site.takes(1)
        assert next(iter(site.machine.store.snapshots.values())).header.comment.endswith(
            "the restore of 1001 by A was writing"
        )


async def test_back_and_a_window_together() -> None:
    async with running(BACK=5000, WINDOW=1000) as site:
        await trigger_pv(site)
        site.channels.happens("A:1", value=10.0, seconds=100)
        site.channels.happens("T", value=1.0, seconds=100)
        await site.clock.advance(0.5)
        site.channels.happens("A:1", value=11.0, seconds=101)
        await site.clock.advance(2)
        await site.takes(1)
        assert site.values() == [10.0, 1.0, 2.0]
        events = await site.machine.store.events(1001)
        assert events
        assert [events.readings.value(row) for row in range(len(events))] == [11.0]


async def test_triggers_wait_if_the_ring_knows_what_was() -> None:
    async with running(BACK=5000) as site:
        await trigger_pv(site)
        for second in range(100, 110):
            site.channels.happens("A:1", value=float(second), seconds=second)
            site.channels.happens("T", value=1.0, seconds=second, nanoseconds=5)
            site.channels.happens("T", value=0.0, seconds=second, nanoseconds=6)
        await site.clock.advance(1)
        await site.takes(10)
        assert [site.values(number)[0] for number in range(10)] == [float(second) for second in range(100, 110)]
        assert site.counts == (10, 0)


async def test_the_subscriptions_are_there_only_while_they_are_wanted() -> None:
    def listening(site: Site) -> list[tuple[str, ...]]:
        return [tuple(subscription.pvs) for subscription in site.channels.subscriptions if not subscription.closed]

    members = ("A:1", "A:2", "A:3")
    async with running(PERIOD=100) as site:
        assert listening(site) == []
        for on, off in (("ON_CHANGE", 0), ("WINDOW", 0), ("BACK", 0)):
            await site.set(**{on: 1})
            await spin()
            assert listening(site) == [members]
            await site.set(**{on: off})
            await spin()
            assert listening(site) == []
        await site.set(ON_CHANGE=1, TRIG_PV="T")
        await spin()
        assert sorted(listening(site)) == [members, ("T",)]
        await site.set(ARM=0)
        await spin()
        assert listening(site) == []


async def test_a_subscription_that_cannot_be_had_is_tried_again() -> None:
    def hook(call: str) -> None:
        if call == "subscribe":
            raise SnapError("CA hangs")

    async with running() as site:
        site.channels.hook = hook
        await site.set(ON_CHANGE=1)
        await spin()
        assert site.repeat.state.watched.startswith("arming: 0 of 3 PVs heard")
        assert site.repeat.state.watched.endswith("; CA hangs")
        site.channels.hook = lambda call: None
        await site.clock.advance(1)
        assert site.repeat.state.watched == "on change, at most every 1 s"


async def test_an_incomplete_one_is_missed() -> None:
    async with running(Site(min_complete=0.9), PERIOD=1) as site:
        site.machine.pvs["A:2"].reason = Reason.DISCONNECTED
        await site.clock.advance(1)
        assert (site.counts, site.titles) == ((0, 1), [])
        assert site.repeat.state.message == (
            "missed: 2 of 3 PVs could be read; that is less than the 0.9 that min_complete asks for"
        )
        site.machine.pvs["A:2"].reason = Reason.OK
        await site.clock.advance(1)
        assert site.counts == (1, 1)


@pytest.mark.parametrize("change", [{"PERIOD": 2}, {"ARM": 0}])
async def test_what_was_due_when_the_settings_change_is_missed(change: dict[str, object]) -> None:
    async with running(PERIOD=1) as site:
        site.channels.gate = asyncio.Event()
        await site.clock.advance(4.5)
        await site.set(**change)
        assert (site.counts, site.repeat.state.message) == ((0, 3), "missed: the settings changed")
        site.channels.gate.set()
        await spin()
        assert site.counts == (1, 3)


@pytest.mark.parametrize("where", ["repeating", "pruning", "hearing"])
async def test_a_defect_ends_nothing(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object, **__: object) -> None:
        raise OverflowError("too large")

    monkeypatch.setattr(enduring, "REST", 0.0)
    async with running(PERIOD=1, KEEP=1) as site:
        kept = {"repeating": (site.repeat._dues, "take"), "pruning": (site.machine.store, "prune")}
        part, name = kept.get(where, (site.repeat._trigger, "learn_labels"))
        with monkeypatch.context() as broken:
            broken.setattr(part, name, defect)
            await site.clock.advance(1)
            site.repeat._came.set()
            await spin()
            assert "a defect of snapioc, see its log: OverflowError('too large')" in site.repeat.state.message
        await site.clock.advance(2)
        await site.takes(2)


async def test_what_comes_and_goes_is_shown_while_a_window_is_open() -> None:
    async with running(WINDOW=60_000) as site:
        await trigger_pv(site)
        put = asyncio.create_task(site.machine.a.trigger(OPERATOR))
        site.channels.happens("T", value=1.0)
        await site.clock.advance(1)
        assert "(rise);" in site.repeat.state.watched
        site.channels.happens("T", reason=Reason.DISCONNECTED)
        await spin()
        assert "TRIG_PV T (rise) is not connected" in site.repeat.state.watched
        site.channels.happens("T", reason=Reason.OK)
        await spin()
        assert "(rise);" in site.repeat.state.watched
        await site.set(ARM=0)  # which ends it
        assert not await put


async def test_the_names_of_states_are_asked_for_while_a_window_is_open() -> None:
    asked: list[str] = []
    async with running(WINDOW=60_000, PERIOD=1, TRIG_PV="T", TRIG_ON="= On") as site:
        site.channels.hook = asked.append
        await site.clock.advance(2)
        site.channels.happens("T", value=0, dbr_type=DbrType.ENUM, reason=Reason.OK)
        await spin()
        assert "states" in asked
        assert "TRIG_PV T (= On);" in site.repeat.state.watched

        def hook(call: str) -> None:
            if call == "states":
                raise SnapError("CA hangs")

        site.channels.hook = hook
        site.channels.happens("T", reason=Reason.DISCONNECTED)
        site.channels.happens("T", reason=Reason.OK)
        await spin()
        assert "names are not known yet" in site.repeat.state.watched
        assert site.repeat.state.watched.endswith("CA hangs")
        site.channels.hook = lambda call: None
        await site.clock.advance(1)
        assert "TRIG_PV T (= On);" in site.repeat.state.watched
        assert "CA hangs" not in site.repeat.state.watched


async def test_arming_ends_when_all_that_is_connected_was_heard() -> None:
    async with running(ON_CHANGE=1) as site:
        await site.clock.advance(0.2)
        assert site.repeat.state.watched == "on change, at most every 1 s"
        await site.set(ARM=0)
        await spin()
        site.machine.pvs["A:1"].reason = Reason.DISCONNECTED
        told: list[str] = []

        async def watcher(repeat: Repeat) -> None:
            told.append(repeat.state.watched)

        site.repeat.watchers.append(watcher)
        await site.set(ARM=1)
        assert told == ["arming: 0 of 3 PVs heard; on change, at most every 1 s"]
        await spin()
        await site.clock.advance(1)
        assert told[-1] == "on change, at most every 1 s"


async def test_a_pv_that_tells_nothing_does_not_make_arming_last_for_ever() -> None:
    async with running() as site:
        subscribe = site.channels.subscribe

        async def all_but_one(pvs: Any, heard: Any) -> Any:
            subscription = await subscribe(pvs, heard)
            subscription.pvs = (*pvs[:2], "nobody")
            return subscription

        site.channels.subscribe = all_but_one  # type: ignore[method-assign]
        await site.set(BACK=500)
        await site.clock.advance(0.5)
        why = site.repeat.state.watched
        assert why.startswith("arming: 2 of 3 PVs heard; nothing by itself")
        await site.clock.advance(60)
        assert site.repeat.state.watched == why.replace("arming: 2 of 3 PVs heard", "1 PV connected, but silent")


async def test_back_and_windows_are_told_of() -> None:
    async with running(WINDOW=500, BACK=1000) as site:
        assert site.repeat.state.watched.endswith(
            "; a window of 500 ms with each snapshot; BACK does nothing without TRIG_PV"
        )
        await trigger_pv(site)
        assert site.repeat.state.watched.endswith("; BACK 1000 ms: the values at the time stamp of TRIG_PV")
        await site.set(ARM=0)
        assert site.repeat.state.watched == "ARM is 0; WINDOW is not active"


async def test_another_trig_pv_is_not_taken_for_the_one_before() -> None:
    async with running() as site:
        await trigger_pv(site)
        assert site.repeat.state.watched == "TRIG_PV T (rise)"
        site.machine.pvs["U"] = FakePv(0.0)
        await site.set(TRIG_PV="U")
        assert site.repeat.state.watched == "TRIG_PV U (rise) is not connected"
        await spin()
        assert site.repeat.state.watched == "TRIG_PV U (rise)"


async def window(site: Site, seconds: float, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """TRIGGER of the group, and what happens within the window."""
    put = asyncio.create_task(site.machine.a.trigger(OPERATOR))
    await spin()
    await meanwhile()
    await site.clock.advance(seconds + 0.5)  # and what it takes to know that nothing more is on its way
    assert await put


async def test_trigger_makes_a_window_snapshot() -> None:
    async def meanwhile() -> None:
        site.channels.happens("A:1", value=10.0, seconds=5)
        await site.clock.advance(0.5)
        site.channels.happens("A:1", "A:3", value=11.0, seconds=6)
        site.channels.happens("A:1", reason=Reason.DISCONNECTED)
        await spin()
        assert 30 < site.machine.a.state.progress < 60

    async with running(WINDOW=1000) as site:
        site.channels.happens("A:1", value=9.0, seconds=4)
        await window(site, 0.5, meanwhile)
        assert site.values() == [Reason.DISCONNECTED, 1.0, 11.0]
        events = await site.machine.store.events(1001)
        assert events
        assert events.rows.tolist() == [0, 0, 2, 0]
        assert [events.readings.value(row) for row in range(3)] == [10.0, 11.0, 11.0]
        assert (site.repeat.state.window_events, site.repeat.state.window_pvs) == (4, 2)
        assert site.machine.a.state.last_id == 1001


async def test_a_silent_pv_is_read_but_not_what_came_after_the_window() -> None:
    async def meanwhile() -> None:
        site.machine.pvs["A:2"].value = 55.0  # a record that posts nothing
        site.channels.gate = asyncio.Event()
        await site.clock.advance(1)
        site.channels.happens("A:3", value=66.0, seconds=7)  # after the window, before the answer
        site.channels.gate.set()
        await spin()

    async with running(WINDOW=1000) as site:
        await window(site, 1, meanwhile)
        assert site.values() == [0.0, 55.0, 2.0]


async def test_a_pv_that_never_tells_what_it_holds_is_waited_for_once() -> None:
    async with running() as site:
        subscribe = site.channels.subscribe

        async def unheard(pvs: Any, heard: Any) -> Any:
            subscription = await subscribe(pvs, heard)
            subscription.closed = True  # nothing is heard of what is there
            return subscription

        site.channels.subscribe = unheard  # type: ignore[method-assign]
        await site.set(WINDOW=1000)
        await spin()
        begun = site.clock.now()
        for seconds in (3.5, 1.5):
            put = asyncio.create_task(site.machine.a.trigger(OPERATOR))
            while not put.done():
                await site.clock.advance(0.1)
                assert site.clock.now() - begun < seconds
            assert await put
            assert site.values() == [0.0, 1.0, 2.0]
            begun = site.clock.now()


async def test_abort_and_disarming_end_a_window() -> None:
    async with running(WINDOW=1000) as site:
        put = asyncio.create_task(site.machine.a.trigger(OPERATOR))
        await spin()
        await site.machine.a.abort()
        assert not await put
        assert site.machine.a.state.result.name == "ABORTED"
        put = asyncio.create_task(site.machine.a.trigger(OPERATOR))
        await spin()
        await site.set(ARM=0)
        assert not await put
        assert "ARM was set to 0" in site.machine.a.state.message
        assert site.titles == []
        assert await site.machine.a.trigger(OPERATOR)  # an ordinary one
        assert await site.machine.store.events(1001) is None


async def test_automatic_windows_and_their_partial_results() -> None:
    async with running(WINDOW=1000, SUB_PUSH=200, PERIOD=5) as site:
        seen: list[int] = []

        async def watcher(repeat: Repeat) -> None:
            seen.append(repeat.state.window_events)

        await site.clock.advance(4)
        site.repeat.watchers.append(watcher)
        await site.clock.advance(1)
        for number in range(10):
            site.channels.happens("A:1", value=float(number), seconds=5)
            await site.clock.advance(0.1)
        await site.clock.advance(0.5)
        assert site.counts == (1, 0)
        assert sorted(set(seen)) == [2, 4, 6, 8, 10]
        events = await site.machine.store.events(1001)
        assert events
        assert len(events) == 10
        assert site.repeat.state.window_lines[0] == "A:1\t9.0"


async def test_all_sets_of_an_ioc() -> None:
    machine, told = Machine(), 0

    async def watcher() -> None:
        nonlocal told
        told += 1

    machine.plant.watchers.append(watcher)
    repeats = Repeats(machine.plant)
    seen: set[str] = set()

    async def news_of(repeat: Repeat) -> None:
        seen.add(repeat.name)

    repeats.watch(news_of)
    task = asyncio.create_task(repeats.run())
    for name in ("A", "B"):
        await repeats[name].put("PERIOD", "0.1")
        await repeats[name].put("ARM", "1")
    async with asyncio.timeout(20):
        while min(repeat.state.taken for repeat in repeats.values()) < 5:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert seen == {"A", "B"}
    # NEWEST_ID follows, but not each time.
    assert 1 <= told < len(machine.store.snapshots)
