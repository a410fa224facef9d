"""A server that holds its connection but does not answer is found out, also when nobody reads, and costs nobody anything.

Deadlines of reads that must not be waited for are so long that only waiting for them in vain could exceed the limit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np
import pytest

from snapioc.channels import CaChannels
from snapioc.model import DbrType, HostState, Outcome, Readings, ReadingsBuilder, Reason
from tests.helpers.iocs import SoftIoc
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc

LONG = 300.0
PVS = 20


@pytest.fixture
def two_iocs(start_ioc: StartIoc, pv_prefix: str) -> tuple[SoftIoc, SoftIoc]:
    """One with A0, A1, ..., that lives; one with B0, B1, ..., that the test hurts."""
    return start_ioc(records(f"{pv_prefix}A")), start_ioc(records(f"{pv_prefix}B"))


@pytest.fixture
def living(pv_prefix: str) -> list[str]:
    return names(f"{pv_prefix}A")


@pytest.fixture
def hurt(pv_prefix: str) -> list[str]:
    return names(f"{pv_prefix}B")


def records(prefix: str) -> str:
    return "".join(f'record(longout, "{prefix}{n}") {{ field(VAL, "{n}") field(PINI, "YES") }}\n' for n in range(PVS))


def names(prefix: str) -> list[str]:
    return [f"{prefix}{n}" for n in range(PVS)]


def reasons(readings: Readings) -> list[int]:
    return readings.reason.tolist()


def numbers(values: list[int]) -> Readings:
    builder = ReadingsBuilder(len(values))
    for row, value in enumerate(values):
        builder.add(row, DbrType.LONG, value)
    return builder.build()


async def host(channels: CaChannels, pvs: list[str], ready: Callable[[HostState], bool]) -> HostState:
    """The state of the one server of these PVs as soon as it is `ready`."""
    async with asyncio.timeout(CONNECT):
        while True:
            (state,) = await channels.hosts(pvs)
            if ready(state):
                return state
            await asyncio.sleep(0.05)


async def hung(channels: CaChannels, pvs: list[str]) -> HostState:
    return await host(channels, pvs, lambda state: state.hung)


async def test_a_hung_ioc_is_called_so_when_nobody_reads_and_its_pvs_are_missing_at_once(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], living: list[str], hurt: list[str]
) -> None:
    await channels.connect(living + hurt, CONNECT)
    ports = [ioc.port for ioc in two_iocs]
    states = await channels.hosts(living + hurt + hurt[:1])
    assert [state.host.rpartition(":")[2] for state in states] == sorted(map(str, ports))
    assert [(state.pvs, state.connected, state.hung) for state in states] == [(PVS, PVS, False)] * 2
    changes = await channels.connection_changes()
    two_iocs[1].stop()
    state = await hung(channels, hurt)
    assert state.silent < 9.5  # before libca gives it up
    assert state.connected == PVS
    assert await channels.connection_changes() > changes
    begun = time.monotonic()
    readings = await channels.read(hurt + living, LONG)
    assert reasons(readings) == [Reason.HUNG] * PVS + [Reason.OK] * PVS
    assert (await channels.write(hurt + living, numbers([5] * 40), LONG)).tolist() == [Outcome.UNSENDABLE] * PVS + [
        Outcome.DONE
    ] * PVS
    waited = await channels.put_and_wait(hurt[:1] + living[:1], numbers([5, 5]), np.array([LONG, LONG]))
    assert waited.tolist() == [Outcome.UNSENDABLE, Outcome.DONE]
    await channels.connect(hurt + living, LONG)
    await channels.refresh(hurt + living, LONG)
    assert time.monotonic() - begun < 100
    # Now libca calls the channels disconnected, and it is hung all the same.
    state = await host(channels, hurt, lambda state: state.connected == 0)
    assert state.hung
    assert await channels.disconnected(hurt) == hurt
    assert set(reasons(await channels.read(hurt, LONG))) == {Reason.HUNG}
    await asyncio.sleep(1)
    assert (await hung(channels, hurt)).silent > 9
    two_iocs[1].cont()
    state = await host(channels, hurt, lambda state: not state.hung and state.connected == PVS)
    assert state.silent < 5
    readings = await channels.read(hurt, TIMEOUT)
    assert [readings.value(row) for row in range(PVS)] == list(range(PVS))


async def test_what_a_read_has_waited_for_in_vain_the_next_one_does_not_wait_for(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], living: list[str], hurt: list[str]
) -> None:
    await channels.connect(living + hurt, CONNECT)
    two_iocs[1].stop()
    assert set(reasons(await channels.read(hurt, 2.0))) == {Reason.NO_ANSWER}
    begun = time.monotonic()
    readings = await channels.read(hurt + living, LONG)
    assert set(reasons(readings)[:PVS]) <= {Reason.NO_ANSWER, Reason.HUNG}
    assert set(reasons(readings)[PVS:]) == {Reason.OK}
    assert time.monotonic() - begun < 100
    two_iocs[1].cont()
    async with asyncio.timeout(CONNECT):
        while set(reasons(await channels.read(hurt, TIMEOUT))) != {Reason.OK}:
            await asyncio.sleep(0.05)


async def test_a_slow_server_is_not_called_hung(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], hurt: list[str]
) -> None:
    await channels.connect(hurt, CONNECT)
    for _ in range(2):
        two_iocs[1].stop()
        reading = asyncio.create_task(channels.read(hurt, LONG))
        for _ in range(25):
            await asyncio.sleep(0.1)
            assert not (await channels.hosts(hurt))[0].hung
        two_iocs[1].cont()
        assert set(reasons(await reading)) == {Reason.OK}


async def test_a_hung_ioc_that_dies_is_no_longer_hung(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], hurt: list[str]
) -> None:
    await channels.connect(hurt, CONNECT)
    two_iocs[1].stop()
    await host(channels, hurt, lambda state: state.hung and state.connected == 0)
    two_iocs[1].kill()
    state = await host(channels, hurt, lambda state: not state.hung)
    assert state.pvs == PVS
    assert set(reasons(await channels.read(hurt, LONG))) == {Reason.DISCONNECTED}
    two_iocs[1].restart()
    await channels.connect(hurt, CONNECT)
    assert set(reasons(await channels.read(hurt, TIMEOUT))) == {Reason.OK}
    state = await host(channels, hurt, lambda state: state.connected == PVS)
    assert state.host.endswith(f":{two_iocs[1].port}")
