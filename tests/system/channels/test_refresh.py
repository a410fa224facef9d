"""Asking for labels and limits anew: what comes back is what the records hold now, whoever else is asked meanwhile."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from snapioc.channels import CaChannels
from snapioc.model import DbrType, Reason
from tests.helpers.iocs import SoftIoc
from tests.system.channels import witness
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc

QUIET = 0.5

DATABASE = """
record(ao, "{P}AO") {{ field(DRVH, "10") field(DRVL, "-10") field(EGU, "A") field(PREC, "3") field(PINI, "YES") }}
record(longout, "{P}LONG") {{ field(DRVH, "7") field(DRVL, "-7") field(PINI, "YES") }}
record(mbbo, "{P}MODE") {{ field(ZRST, "Off") field(ONST, "On") field(PINI, "YES") }}
record(stringout, "{P}TEXT") {{ field(PINI, "YES") }}
record(waveform, "{P}SHORT") {{ field(FTVL, "SHORT") field(NELM, "5") field(HOPR, "4") }}
record(waveform, "{P}CHAR") {{ field(FTVL, "CHAR") field(NELM, "5") field(HOPR, "4") }}
record(waveform, "{P}FLOAT") {{ field(FTVL, "FLOAT") field(NELM, "5") field(HOPR, "4") }}
"""
NAMES = ("AO", "LONG", "MODE", "TEXT", "SHORT", "CHAR", "FLOAT")


@pytest.fixture
def ioc(start_ioc: StartIoc, pv_prefix: str) -> SoftIoc:
    return start_ioc(DATABASE.format(P=pv_prefix))


@pytest.fixture
def pvs(pv_prefix: str) -> list[str]:
    return [pv_prefix + name for name in NAMES]


def put(pv: str, value: float | str) -> None:
    witness.write(pv, [str(value).encode()], DbrType.STRING)


async def test_limits_and_labels_are_those_of_now(channels: CaChannels, ioc: SoftIoc, pvs: list[str]) -> None:
    await channels.connect(pvs, CONNECT)
    for high in (5.0, 6.0):
        for field, value in (("AO.DRVH", high), ("LONG.DRVH", high), ("MODE.ONST", f"On {high}"), ("SHORT.HOPR", high)):
            put(pvs[0].removesuffix("AO") + field, value)
        states = await channels.refresh(pvs, TIMEOUT)
        low, top = states.limits()
        assert low[:2].tolist() == [-10.0, -7.0]
        assert top[[0, 1, 4, 5, 6]].tolist() == [high, high, high, 4.0, 4.0]
        assert np.isnan(top[2:4]).all()
        assert [states.labels(row) for row in (0, 2, 3)] == [(), ("Off", f"On {high}"), ()]
        assert states.connected.all()
        known = (await channels.read(pvs, TIMEOUT)).reading(0).metadata
        assert (known.units, known.precision) == ("A", 3)


async def test_a_hung_ioc_costs_its_own_pvs_only(
    channels: CaChannels, ioc: SoftIoc, pvs: list[str], start_ioc: StartIoc, pv_prefix: str
) -> None:
    hung = [f"{pv_prefix}H{number}" for number in range(50)]
    other = start_ioc("".join(f'record(ao, "{pv}") {{ field(DRVH, "3") field(DRVL, "1") }}\n' for pv in hung))
    await channels.connect(pvs + hung, CONNECT)
    other.stop()
    put(f"{pv_prefix}AO.DRVH", 8.0)
    refreshed, free = await asyncio.gather(channels.refresh(pvs + hung, QUIET), channels.read(pvs, TIMEOUT))
    assert refreshed.limits()[1][0] == 8.0
    assert free.ok.all()
    other.cont()
    async with asyncio.timeout(CONNECT):
        while not (await channels.read(hung, QUIET)).ok.all():
            await asyncio.sleep(0.1)
    back = await channels.refresh(hung, TIMEOUT)
    assert back.limits()[1].tolist() == [3.0] * 50


async def test_what_is_not_there_is_not_waited_for(channels: CaChannels, ioc: SoftIoc, pvs: list[str]) -> None:
    await channels.connect(pvs, CONNECT)
    states = await channels.refresh([*pvs, "NOBODY:HAS:THIS"], 300)
    assert states.connected.tolist() == [True] * len(pvs) + [False]
    assert states.labels(len(pvs)) is None
    assert np.isnan(states.limits()[0][-1])
    ioc.kill()
    async with asyncio.timeout(CONNECT):
        while (await channels.read(pvs, QUIET)).reason[0] != Reason.DISCONNECTED:
            await asyncio.sleep(0.05)
    assert not (await channels.refresh(pvs, 300)).connected.any()
