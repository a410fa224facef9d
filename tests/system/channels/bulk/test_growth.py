"""IOCs that come and go again and again leave the counts right, and no memory behind."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import psutil
import pytest

from snapioc.channels import CaChannels
from snapioc.model import Events, Reason
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc

IOCS = 4
PVS = int(os.environ.get("SNAPIOC_GROWTH_PVS", "1000"))
ROUNDS = int(os.environ.get("SNAPIOC_GROWTH_ROUNDS", "3"))
"""PVs of each IOC, and how often one of these dies; pull them up to 10000 and 20 for what is promised."""

WARM = 1
"""Rounds after which everything that is kept for good has been made."""

PER_ROUND = 1 << 20
"""Bytes that the process may grow in a round, for want of a better measure of what the allocator keeps."""

pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS)


@pytest.fixture
async def channels() -> AsyncIterator[CaChannels]:
    """A started CA client; the test fails if it does not end cleanly."""
    channels = CaChannels()
    channels.start()
    yield channels
    assert await channels.close(60)


def records(prefix: str) -> str:
    return "".join(f'record(ao, "{prefix}{n}") {{ field(VAL, "{n}") field(PINI, "YES") }}\n' for n in range(PVS))


async def becomes(found: Callable[[], Awaitable[int]], wanted: int) -> None:
    async with asyncio.timeout(CONNECT + PVS / 100):
        while await found() != wanted:
            await asyncio.sleep(0.1)


async def test_an_ioc_that_is_killed_again_and_again(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str, record_property: Callable[[str, object], None]
) -> None:
    prefixes = [f"{pv_prefix}{letter}" for letter in "ABCD"[:IOCS]]
    iocs = [start_ioc(records(prefix)) for prefix in prefixes]
    pvs = [f"{prefix}{n}" for prefix in prefixes for n in range(PVS)]
    last = pvs[-PVS:]
    await channels.connect(pvs, CONNECT + PVS / 100)
    heard = Heard(len(pvs))
    subscription = await channels.subscribe(pvs, heard)

    async def lost() -> int:
        return len(await channels.disconnected(pvs))

    async def has_gone(often: int) -> int:
        return heard.right(often)

    await becomes(lambda: has_gone(0), 1)
    sizes = []
    for number in range(ROUNDS + WARM):
        changes = await channels.connection_changes()
        iocs[-1].kill()
        await becomes(lost, PVS)
        assert await channels.disconnected(pvs) == last
        assert await channels.connection_changes() >= changes + PVS
        assert sorted(host.connected for host in await channels.hosts(pvs)) == [0] + [PVS] * (IOCS - 1)
        iocs[-1].restart()
        await becomes(lost, 0)
        states = await channels.hosts(pvs)
        assert [(host.pvs, host.connected, host.hung) for host in states] == [(PVS, PVS, False)] * IOCS
        assert (await channels.read(pvs, TIMEOUT)).ok.all()
        await becomes(lambda number=number: has_gone(number + 1), 1)
        gc.collect()
        sizes.append(psutil.Process().memory_info().rss)
        changes = await channels.connection_changes()
        await asyncio.sleep(0.5)
        assert await channels.connection_changes() == changes
    record_property("rss", sizes)
    print("RSS in MiB after each round:", [round(size / 2**20, 1) for size in sizes])
    assert sizes[-1] - sizes[WARM - 1] < ROUNDS * PER_ROUND
    await subscription.close()


class Heard:
    """How often each PV was heard to go, and what of it was heard last."""

    def __init__(self, pvs: int) -> None:
        self._losses = np.zeros(pvs, np.intp)
        self._last = np.full(pvs, Reason.NEVER_CONNECTED, np.uint8)

    def __call__(self, events: Events) -> None:
        np.add.at(self._losses, events.rows, events.readings.reason == Reason.DISCONNECTED)
        self._last[events.rows] = events.readings.reason  # of several of one PV numpy keeps the last

    def right(self, losses: int) -> bool:
        """Whether those of the last IOC have gone so often, the others never, and all are there."""
        expected = [0] * (len(self._losses) - PVS) + [losses] * PVS
        return bool((self._last == Reason.OK).all()) and self._losses.tolist() == expected
