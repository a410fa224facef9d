"""The drift from a golden snapshot, on a machine and a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from snapioc.model import GOLDEN_ID, Reason, Refused, SnapError
from snapioc.operations.watch import DriftWatch, DriftWatches
from tests.unit.operations.machine import OPERATOR, Machine, moved

FAST = 0.1


class Watched:
    """A machine, saved as 1001, and the watch over its set A."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.watches = DriftWatches(machine.plant)
        self.watch = self.watches.of("A")
        self._news = asyncio.Event()
        self.watches.watchers.append(self._heard)

    async def _heard(self, watch: DriftWatch) -> None:
        self._news.set()

    async def until(self, check: Callable[[], bool]) -> None:
        """Wait until something is so; a minute at most."""
        async with asyncio.timeout(60):
            while not check():
                self._news.clear()
                await self._news.wait()

    async def until_count(self, count: int | None) -> None:
        await self.until(lambda: self.watch.drift.count == count)

    async def compared_again(self) -> None:
        before = self.watch.compared_at
        await self.until(lambda: self.watch.compared_at > before)


@asynccontextmanager
async def running(machine: Machine | None = None, **settings: object) -> AsyncIterator[Watched]:
    """The watch over A of a machine that was saved as 1001 and stands as it was."""
    machine = machine or Machine(**settings)  # type: ignore[arg-type]
    if not machine.store.snapshots:
        await machine.saved()
    await machine.plant.settings.load()
    watched = Watched(machine)
    task = asyncio.create_task(watched.watches.run())
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def on(watched: Watched) -> None:
    """The drift from 1001 is watched, and was found to be 0."""
    await watched.watch.settings.set_golden(1001)
    await watched.watch.settings.set_period(FAST)
    await watched.until_count(0)


async def test_drift_rises_and_falls() -> None:
    async with running() as watched:
        await on(watched)
        assert watched.watch.drift.message == "All 3 PVs are as in 1001"
        watched.machine.move(_2=7.5, _3=2.5)
        await watched.until_count(2)
        assert watched.watch.drift.message == "2 of 3 PVs differ from 1001"
        assert watched.watch.drift.lines == ("A:2\t1.0\t7.5", "A:3\t2.0\t2.5")
        assert watched.watch.drift.show_all == "snapioc diff 1001 live"
        watched.machine.move(_2=8.5)
        await watched.until(lambda: watched.watch.drift.lines[0] == "A:2\t1.0\t8.5")
        watched.machine.move(_1=1.0)
        await watched.until_count(3)
        watched.machine.move(_1=1.5)
        await watched.until(lambda: "A:1\t0.0\t1.5" in watched.watch.drift.lines)
        assert set(watched.watch.drift.lines) == {"A:1\t0.0\t1.5", "A:2\t1.0\t8.5", "A:3\t2.0\t2.5"}
        watched.machine.move(_1=0.0, _2=1.0, _3=2.0)
        await watched.until_count(0)
        assert watched.watch.drift.lines == ()


async def test_what_is_missing_is_counted_and_said() -> None:
    async with running() as watched:
        await on(watched)
        watched.machine.pvs["A:2"].reason = Reason.DISCONNECTED
        await watched.until_count(1)
        assert watched.watch.drift.message == "1 of 3 PVs differ from 1001; 1 missing: 1 disconnected (live)"
        assert watched.watch.drift.lines == ("A:2\t1.0\t[disconnected]",)


async def test_missing_on_both_sides_is_no_difference_but_said() -> None:
    machine = Machine()
    machine.pvs["A:2"].reason = Reason.DISCONNECTED
    async with running(machine) as watched:
        await on(watched)
        assert watched.watch.drift.message == (
            "2 of 3 PVs are as in 1001, the others are unknown; 1 missing: 1 disconnected (1001), 1 disconnected (live)"
        )


async def test_nothing_there_is_not_known_rather_than_0() -> None:
    async with running() as watched:
        await on(watched)
        for pv in watched.machine.pvs.values():
            pv.reason = Reason.NO_ANSWER
        await watched.until_count(None)
        assert watched.watch.drift.message == (
            "The drift from 1001 is not known: none of its 3 PVs is there on both sides"
            "; 3 missing: 3 no answer in time (live)"
        )


async def test_a_blocked_client_is_not_known() -> None:
    async with running() as watched:
        await on(watched)

        def fail(call: str) -> None:
            raise SnapError("the CA thread is blocked")

        watched.machine.channels.hook = fail
        await watched.until_count(None)
        assert watched.watch.drift.message == "The drift is not known now: the CA thread is blocked"
        watched.machine.channels.hook = lambda call: None
        await watched.until_count(0)


async def test_off_says_so_and_reads_nothing() -> None:
    async with running() as watched:
        assert watched.watch.drift.message == "The drift is not known yet"
        await watched.until(lambda: "GOLDEN_ID" in watched.watch.drift.message)
        await on(watched)
        await watched.watch.settings.set_period(0.0)
        await watched.until_count(None)
        assert watched.watch.drift.message == "The drift is not watched: there is no DRIFT_PERIOD"
        reads: list[str] = []
        watched.machine.channels.hook = reads.append
        await asyncio.sleep(3 * FAST)
        assert reads == []
        assert watched.watch.golden
        await watched.watch.settings.set_golden(0)
        await watched.until(lambda: "GOLDEN_ID" in watched.watch.drift.message)
        assert watched.watch.golden is None


async def test_another_golden_snapshot_counts_at_once() -> None:
    async with running() as watched:
        watched.machine.move(_1=5.0)
        await watched.machine.saved()
        await watched.watch.settings.set_golden(1001)
        await watched.watch.settings.set_period(3600.0)
        await watched.until_count(1)
        await watched.watch.settings.set_golden(1002)
        assert watched.watch.drift.count is None
        await watched.until_count(0)
        assert watched.watch.golden
        assert watched.watch.golden.id == 1002


async def _restored(machine: Machine) -> None:
    """1002 is what UNDO needs."""
    machine.move(_1=5.0)
    assert await machine.a.restore(1001, OPERATOR)


@pytest.mark.parametrize(
    ("name", "snapshot_id", "why"),
    [
        ("A", 999, "there is no snapshot 999"),
        ("B", 1001, "snapshot 1001 is of the set A, not of B"),
        ("A", 1002, "was made for UNDO"),
    ],
)
async def test_what_cannot_be_golden_is_refused(name: str, snapshot_id: int, why: str) -> None:
    async with running() as watched:
        await _restored(watched.machine)
        await on(watched)
        with pytest.raises(Refused, match=why):
            await watched.watches.of(name).settings.set_golden(snapshot_id)
        assert watched.watch.settings.golden_id == 1001


async def test_no_golden_snapshot_is_taken_unseen() -> None:
    async with running() as watched:
        watched.machine.store.fault = "the store is gone"
        with pytest.raises(Refused, match="whether there is a snapshot 1001 is not known: the store is gone"):
            await watched.watch.settings.set_golden(1001)


async def test_what_was_found_of_the_golden_snapshot_before_is_not_shown() -> None:
    async with running() as watched:
        await on(watched)
        watched.machine.move(_1=5.0)
        await watched.machine.saved()
        reading, gate = asyncio.Event(), asyncio.Event()
        watched.machine.channels.gate = gate
        watched.machine.channels.hook = lambda call: reading.set()
        await reading.wait()
        await watched.watch.settings.set_golden(1002)
        counts: list[int | None] = []

        async def note(watch: DriftWatch) -> None:
            counts.append(watch.drift.count)

        watched.watches.watchers.append(note)
        gate.set()
        await watched.until_count(0)
        assert 1 not in counts


async def test_a_negative_maximum_is_refused() -> None:
    async with running() as watched:
        with pytest.raises(Refused, match="-1 is no number of PVs"):
            await watched.watch.settings.set_maximum(-1)


@pytest.mark.parametrize("seconds", [0.05, 0.0999])
async def test_too_short_a_period_is_refused(seconds: float) -> None:
    async with running() as watched:
        with pytest.raises(Refused, match="too short"):
            await watched.watch.settings.set_period(seconds)


async def test_settings_are_kept() -> None:
    async with running() as watched:
        await on(watched)
        await watched.watch.settings.set_maximum(5)
        assert watched.machine.store.kept == {
            ("A", GOLDEN_ID): "1001",
            ("A", "DRIFT_PERIOD"): "0.1",
            ("A", "DRIFT_MAX"): "5",
        }
        assert watched.watches.of("B").settings.golden_id == 0
        assert watched.watches.of("B").settings.maximum == 10


async def test_settings_that_are_known_late_are_taken_up() -> None:
    machine = Machine()
    await machine.saved()
    machine.store.kept = {("A", GOLDEN_ID): "1001", ("A", "DRIFT_PERIOD"): "0.1"}
    watched = Watched(machine)
    task = asyncio.create_task(watched.watches.run())
    try:
        await asyncio.sleep(0.05)
        assert watched.watch.drift.message == "The drift is not known yet"
        await machine.plant.settings.load()
        await watched.until_count(0)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_golden_snapshot_that_cannot_be_loaded_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.operations.watch.drift.RETRY", 0.1)
    machine = Machine()
    await machine.saved()
    machine.store.kept = {("A", GOLDEN_ID): "1001"}
    await machine.plant.settings.load()
    machine.store.fault = "the store is locked"
    async with _on_fault(machine) as watched:
        await watched.until(lambda: "locked" in watched.watch.drift.message)
        assert watched.watch.drift.message == (
            "The drift is not known: the golden snapshot 1001 cannot be loaded: the store is locked"
        )
        machine.store.fault = None
        await watched.until(lambda: watched.watch.golden is not None)


@asynccontextmanager
async def _on_fault(machine: Machine) -> AsyncIterator[Watched]:
    watched = Watched(machine)
    task = asyncio.create_task(watched.watches.run())
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_no_check_while_a_restore_writes() -> None:
    async with running() as watched:
        await on(watched)
        pvs = frozenset({"A:3"})
        with watched.machine.plant.locks.hold("the restore of 1001 by B", pvs, writes=True):
            await watched.until_count(None)
            message = "The drift is not known now: the restore of 1001 by B writes PVs of the set"
            assert watched.watch.drift.message == message
            reads: list[str] = []
            watched.machine.channels.hook = reads.append
            await asyncio.sleep(3 * FAST)
            assert reads == []
        await watched.until_count(0)
        with watched.machine.plant.locks.hold("a save", pvs, writes=False):
            await watched.compared_again()
            assert watched.watch.drift.count == 0


async def test_a_check_that_a_restore_came_into_counts_not() -> None:
    async with running() as watched:
        await on(watched)
        watched.machine.move(_1=5.0)
        reading, locks = asyncio.Event(), watched.machine.plant.locks
        watched.machine.channels.gate = asyncio.Event()
        watched.machine.channels.hook = lambda call: reading.set()
        await reading.wait()
        with locks.hold("the restore of 1001 by A", frozenset({"A:1"}), writes=True):
            pass
        watched.machine.channels.gate.set()
        await watched.until(lambda: watched.watch.drift.count != 0)
        assert watched.watch.drift.count is None
        assert watched.watch.drift.message.endswith("the restore of 1001 by A writes PVs of the set")


async def test_a_slow_set_delays_no_other_and_its_checks_do_not_pile_up() -> None:
    machine = Machine()
    for name in ("A", "B"):
        await machine.saved(name)
    async with running(machine) as watched:
        asked = 0
        gate = asyncio.Event()
        read = machine.channels.read

        async def slow(pvs: tuple[str, ...], *arguments: object) -> object:
            nonlocal asked
            if pvs == ("A:1", "A:2", "A:3"):
                asked += 1
                await gate.wait()
            return await read(pvs, *arguments)  # type: ignore[arg-type]

        machine.channels.read = slow  # type: ignore[assignment, method-assign]
        for name, number in (("A", 1001), ("B", 1002)):
            await watched.watches.of(name).settings.set_golden(number)
            await watched.watches.of(name).settings.set_period(FAST)
        other = watched.watches.of("B")
        for _ in range(5):
            before = other.compared_at
            await watched.until(lambda before=before: other.compared_at > before)  # type: ignore[misc]
        assert asked == 1
        gate.set()
        await watched.until_count(0)


async def test_a_new_title_is_shown() -> None:
    async with running() as watched:
        await on(watched)
        await watched.machine.store.edit(1001, OPERATOR, title="after the shutdown")
        watched.machine.plant.list_changed()
        await watched.until(lambda: bool(watched.watch.golden and watched.watch.golden.title))
        assert watched.watch.golden
        assert watched.watch.golden.title == "after the shutdown"


async def test_pvs_that_no_set_has_any_more_are_connected_and_compared() -> None:
    machine = await moved()
    other = Machine({"A": [machine.a.settings.pv_set.members[0]]})
    other.store.snapshots = machine.store.snapshots
    calls: list[str] = []

    def fail_first(call: str) -> None:
        calls.append(call)
        if call == "connect" and calls.count(call) == 1:
            raise SnapError("the CA thread is blocked")

    async with running(other) as watched:
        other.channels.hook = fail_first
        await watched.watch.settings.set_golden(1001)
        await watched.until(lambda: watched.watch.drift.message == "The drift is not known now: the CA thread is blocked")
        await watched.watch.settings.set_period(FAST)
        await watched.until_count(2)
        assert calls.count("connect") == 2
