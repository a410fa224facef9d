"""Work that goes on after defects, and which parts of the IOC are such."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from snapioc.operations import enduring as module
from snapioc.operations.enduring import enduring
from snapioc.operations.watch import DriftWatches

from .machine import Machine


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST", 0.0)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.001)


async def test_it_is_begun_again_until_it_ends_and_logged_once_per_kind(caplog: pytest.LogCaptureFixture) -> None:
    begun, told = 0, []

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 5:
            raise KeyError("another")
        if begun < 9:
            raise OverflowError(f"number {begun}")

    async def tell(why: str) -> None:
        told.append(why)
        raise ZeroDivisionError("a defect of what shows it")

    await enduring("the work", work, tell)
    assert begun == 9
    assert told[:1] == ["a defect of snapioc, see its log: OverflowError('number 1')"]
    assert len(told) == 8
    kinds = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert kinds == [OverflowError, ZeroDivisionError, KeyError]


async def test_it_can_be_cancelled() -> None:
    task = asyncio.create_task(enduring("nothing", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_defect_does_not_end_the_watch_over_the_drift() -> None:
    def hook(call: str) -> None:
        if call == "read":
            raise ZeroDivisionError("oh")

    machine = Machine()
    saved = await machine.saved()
    await machine.store.keep_settings({("A", "GOLDEN_ID"): str(saved), ("A", "DRIFT_PERIOD"): "0.1"})
    await machine.plant.settings.load()
    watches = DriftWatches(machine.plant)
    watch = watches.of("A")
    machine.channels.hook = hook
    task = asyncio.create_task(watches.run())
    await until(lambda: "a defect of snapioc" in watch.drift.message)
    assert watch.drift.count is None
    machine.channels.hook = lambda call: None
    await until(lambda: watch.drift.count == 0)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
