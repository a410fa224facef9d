"""KEEP, and giving space back."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from snapioc.model import AUTOMATIC, GOLDEN_ID, MANUAL, NewSnapshot
from snapioc.operations import tidy
from snapioc.operations.repeat import pruning
from snapioc.operations.repeat.keep import parse_keep
from snapioc.operations.repeat.pruning import Pruning
from snapioc.operations.repeat.state import Account

from ..machine import Machine


async def nothing() -> None:
    pass


async def until(true: object) -> None:
    async with asyncio.timeout(10):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.001)


async def saved(machine: Machine, kind: str, age: float = 0.0, tags: tuple[str, ...] = ()) -> int:
    pv_set = machine.plant.sets["A"].pv_set
    readings = await machine.channels.read(pv_set.pvs, 1)
    at = time.time() - age
    return (await machine.store.save(NewSnapshot(pv_set, replace(readings, started=at), kind, tags=tags))).id


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "AT_MOST_EVERY", 0.01)


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize(("keep", "left"), [("", 12), ("3", 3), ("90s", 2), ("100", 12)])
async def test_only_old_automatic_ones_go(keep: str, left: int) -> None:
    machine = Machine()
    manual, tagged, golden = [
        await saved(machine, kind, 1e6, tags) for kind, tags in ((MANUAL, ()), (AUTOMATIC, ("beam",)), (AUTOMATIC, ()))
    ]
    await machine.store.keep_settings({("A", GOLDEN_ID): str(golden)})
    ids = [await saved(machine, AUTOMATIC, 60.0 * age) for age in range(11, -1, -1)]
    account = Account("A", time.time)
    prune = Pruning(machine.plant, "A", account, nothing)
    prune.keep = parse_keep(keep)
    task = asyncio.create_task(prune.run())
    prune.after_snapshot()
    await until(lambda: not prune._taken.is_set())
    await until(lambda: len(machine.store.snapshots) == left + 3)
    await asyncio.sleep(0.05)
    assert list(machine.store.snapshots) == [manual, tagged, golden, *ids[12 - left :]]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.usefixtures("fast")
async def test_a_store_that_fails_is_shown_and_asked_again() -> None:
    machine = Machine()
    for _ in range(3):
        await saved(machine, AUTOMATIC)
    account = Account("A", time.time)
    prune = Pruning(machine.plant, "A", account, nothing)
    prune.keep = parse_keep("1")
    machine.store.fault = "the disk is full"
    task = asyncio.create_task(prune.run())
    prune.after_snapshot()
    await until(lambda: account.state.message)
    assert account.state.message == "old snapshots could not be deleted: the disk is full"
    assert (account.state.missed, machine.plant.store_fault) == (0, "the disk is full")
    machine.store.fault = None
    prune.after_snapshot()
    await until(lambda: len(machine.store.snapshots) == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_space_is_given_back_until_there_is_none_and_after_each_deletion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.operations.tidying.PAUSE", 0.0)
    monkeypatch.setattr("snapioc.operations.tidying.REST", 0.0)
    machine = Machine()
    machine.store.untidy = 5
    task = asyncio.create_task(tidy(machine.plant))
    await until(lambda: machine.store.untidy == 0)
    await asyncio.sleep(0.01)
    machine.store.untidy = 5
    machine.store.fault = "locked"
    machine.plant.list_changed()
    await until(lambda: machine.plant.store_fault)
    machine.store.fault = None
    assert machine.store.untidy == 5
    machine.plant.list_changed()
    await until(lambda: machine.store.untidy == 0)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_defect_does_not_end_the_tidying(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("snapioc.operations.enduring.REST", 0.0)
    machine, tried = Machine(), 0

    async def broken() -> bool:
        nonlocal tried
        tried += 1
        raise OverflowError("too large")

    machine.store.untidy = 1
    with monkeypatch.context() as patch:
        patch.setattr(machine.store, "tidy", broken)
        task = asyncio.create_task(tidy(machine.plant))
        await until(lambda: tried > 2)
    await until(lambda: machine.store.untidy == 0)
    assert len([record for record in caplog.records if record.exc_info]) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
