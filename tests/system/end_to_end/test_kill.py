"""kill -9 at random moments of saves, as a power cut would: nothing that was acknowledged over CA is ever lost."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import aioca
import pytest

from snapioc.store import SqlStore
from tests.helpers.iocs import SoftIoc

from .conftest import Start
from .test_commands import database, names

ROUNDS = int(os.environ.get("SNAPIOC_KILL_ROUNDS", "5"))
"""200 are the promise: `SNAPIOC_KILL_ROUNDS=200` proves it."""

PVS = 50


@pytest.mark.usefixtures("ca")
@pytest.mark.timeout(60 + 10 * ROUNDS)
async def test_kill_during_saves_loses_nothing_acknowledged(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, PVS))
    ioc = start_snapioc({"A": names("M:" + pv_prefix, PVS)}, machine.address)
    acknowledged: list[int] = []
    for _ in range(ROUNDS):
        before = len(acknowledged)
        saves = asyncio.create_task(_save(pv_prefix, acknowledged))
        while len(acknowledged) == before and not saves.done():
            await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(0.0, 0.5))
        ioc.kill()
        saves.cancel()
        with suppress(asyncio.CancelledError):
            await saves
        await asyncio.to_thread(ioc.start)
    assert len(acknowledged) >= ROUNDS
    assert acknowledged == sorted(set(acknowledged))
    ioc.kill()
    await _check_whole(ioc.folder / "snapshots.db", acknowledged)


async def _save(prefix: str, acknowledged: list[int]) -> None:
    """Trigger again and again; an id counts as acknowledged when its put has completed."""
    await aioca.connect([f"{prefix}A:TRIGGER", f"{prefix}A:LAST_ID"], timeout=30)
    last = 0
    monitor = aioca.camonitor(f"{prefix}A:LAST_ID", lambda value: seen.append(int(value)), all_updates=True)
    seen: list[int] = []
    try:
        while await aioca.caput(f"{prefix}A:TRIGGER", 1, wait=True, timeout=30, throw=False):
            # The monitor of LAST_ID comes before the completion, so nothing has to be asked.
            assert seen[-1] > last
            last = seen[-1]
            acknowledged.append(last)
    finally:
        monitor.close()


async def _check_whole(path: Path, acknowledged: list[int]) -> None:
    store = SqlStore(f"sqlite:///{path}")
    await store.open(migrate=False)
    try:
        stored = [header.id for header in await store.headers()]
        assert set(acknowledged) <= set(stored)
        for snapshot_id in stored:
            snapshot = await store.load(snapshot_id)
            assert len(snapshot.readings) == snapshot.header.ok == PVS
            assert [snapshot.readings.value(row) for row in range(PVS)] == [float(row) for row in range(PVS)]
    finally:
        await store.close()
