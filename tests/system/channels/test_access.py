"""What a server does not permit, or refuses, is said by name and spoils nothing else."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from snapioc.channels import CaChannels
from snapioc.model import DbrType, Outcome, Readings, ReadingsBuilder, Reason
from tests.helpers.iocs import SoftIoc
from tests.system.channels import witness
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc

DATABASE = """
record(ao, "{P}GATE") {{}}
record(ao, "{P}OPEN") {{ field(VAL, "1") field(PINI, "YES") }}
record(mbbo, "{P}SEEN") {{ field(ASG, "READ") field(ZRST, "a") }}
record(mbbo, "{P}HIDDEN") {{ field(ASG, "NOTHING") field(ZRST, "a") }}
record(mbbo, "{P}LATER") {{ field(ASG, "LATER") field(ZRST, "a") }}
record(ao, "{P}DISP") {{ field(DISP, "1") }}
record(waveform, "{P}WF") {{ field(FTVL, "LONG") field(NELM, "3") }}
"""

ACF = """
ASG(DEFAULT) {{ RULE(1, READ) RULE(1, WRITE) }}
ASG(READ) {{ RULE(1, READ) }}
ASG(NOTHING)
ASG(LATER) {{ INPA("{P}GATE") RULE(1, WRITE) {{ CALC("A=1") }} }}
"""


@pytest.fixture
def ioc(start_ioc: StartIoc, pv_prefix: str) -> SoftIoc:
    return start_ioc(DATABASE.format(P=pv_prefix), acf=ACF.format(P=pv_prefix))


def numbers(*values: float) -> Readings:
    builder = ReadingsBuilder(len(values))
    for row, value in enumerate(values):
        builder.add(row, DbrType.DOUBLE, value)
    return builder.build()


async def test_reading_and_writing_without_permission(
    channels: CaChannels, ioc: SoftIoc, pv_prefix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pvs = [pv_prefix + name for name in ("OPEN", "SEEN", "HIDDEN", "DISP")]
    await channels.connect(pvs, CONNECT)
    readings = await channels.read(pvs, TIMEOUT)
    assert readings.reason.tolist() == [Reason.OK, Reason.OK, Reason.NO_READ_ACCESS, Reason.OK]
    states = await channels.states(pvs)
    assert states.readable.tolist() == [True, True, False, True]
    assert states.writable.tolist() == [True, False, False, True]
    outcomes = await channels.write(pvs, numbers(5, 0, 0, 5), TIMEOUT)
    assert outcomes.tolist() == [Outcome.DONE, Outcome.NO_WRITE_ACCESS, Outcome.NO_WRITE_ACCESS, Outcome.REFUSED]
    assert (await channels.read(pvs, TIMEOUT)).value(0) == 5.0
    assert capfd.readouterr().err == ""


async def test_permission_that_comes_later_is_noticed_with_the_labels(
    channels: CaChannels, ioc: SoftIoc, pv_prefix: str
) -> None:
    pv = f"{pv_prefix}LATER"
    await channels.connect([pv], CONNECT)
    assert (await channels.read([pv], TIMEOUT)).reason[0] == Reason.NO_READ_ACCESS
    witness.write(f"{pv_prefix}GATE", b"\0\0\0\0\0\0\xf0\x3f", DbrType.DOUBLE)
    async with asyncio.timeout(CONNECT):
        while (await channels.read([pv], TIMEOUT)).reason[0] != Reason.OK:
            await asyncio.sleep(0.02)
    assert (await channels.read([pv], TIMEOUT)).reading(0).metadata.labels == ("a",)
    witness.write(f"{pv}.ZRST", [b"b"], DbrType.STRING)
    async with asyncio.timeout(CONNECT):
        while (await channels.read([pv], TIMEOUT)).reading(0).metadata.labels != ("b",):
            await asyncio.sleep(0.02)


async def test_a_value_that_cannot_be_sent_does_not_spoil_the_others(
    channels: CaChannels, ioc: SoftIoc, pv_prefix: str
) -> None:
    pvs = [f"{pv_prefix}WF", f"{pv_prefix}OPEN", f"{pv_prefix}GATE"]
    await channels.connect(pvs, CONNECT)
    builder = ReadingsBuilder(3)
    builder.add(0, DbrType.LONG, np.array([1, 2, 3, 4]))
    builder.add(1, DbrType.DOUBLE, 7.0)
    builder.add(2, DbrType.STRING, b"no number")
    outcomes = await channels.write(pvs, builder.build(), TIMEOUT)
    assert outcomes.tolist() == [Outcome.UNSENDABLE, Outcome.DONE, Outcome.REFUSED]
    assert (await channels.read(pvs, TIMEOUT)).value(1) == 7.0
