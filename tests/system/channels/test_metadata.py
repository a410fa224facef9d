"""Units, precision, labels and limits come with the first read, and follow every change."""

from __future__ import annotations

import asyncio

import pytest

from snapioc.channels import CaChannels
from snapioc.model import ChannelStates, DbrType, Metadata, Reason
from tests.helpers.iocs import SoftIoc
from tests.system.channels import witness
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc

DATABASE = """
record(ao, "{P}AO") {{
  field(EGU, "mA") field(PREC, "3") field(HOPR, "10") field(LOPR, "-10") field(DRVH, "9") field(DRVL, "-9")
  field(HIHI, "8") field(HIGH, "7") field(LOW, "-7") field(LOLO, "-8")
  field(HHSV, "MAJOR") field(HSV, "MINOR") field(LSV, "MINOR") field(LLSV, "MAJOR")
}}
record(longout, "{P}LONG") {{ field(EGU, "counts") }}
record(mbbo, "{P}MBBO") {{ field(ZRST, "Aus") field(ONST, "An") }}
record(waveform, "{P}WF") {{ field(FTVL, "FLOAT") field(NELM, "7") field(EGU, "V") }}
record(stringout, "{P}TEXT") {{}}
"""
NAMES = ("AO", "LONG", "MBBO", "WF", "TEXT")


@pytest.fixture
def ioc(start_ioc: StartIoc, pv_prefix: str) -> SoftIoc:
    return start_ioc(DATABASE.format(P=pv_prefix))


def labels_of(states: ChannelStates) -> tuple[tuple[str, ...] | None, ...]:
    return tuple(states.labels(row) for row in range(len(states)))


async def labels_become(channels: CaChannels, pv: str, labels: tuple[str, ...]) -> None:
    """Wait until a read shows the labels: a server sends the event beside the answers, not before them."""
    async with asyncio.timeout(CONNECT):
        while (await channels.read([pv], TIMEOUT)).reading(0).metadata.labels != labels:
            await asyncio.sleep(0.02)


async def test_the_first_read_after_connecting_has_them(channels: CaChannels, ioc: SoftIoc, pv_prefix: str) -> None:
    pvs = [pv_prefix + name for name in NAMES]
    await channels.connect(pvs, CONNECT)
    readings = await channels.read(pvs, TIMEOUT)
    analog, integer, states, waveform, text = (readings.reading(row).metadata for row in range(len(pvs)))
    assert analog == Metadata("mA", 3, limits=(10.0, -10.0, 8.0, 7.0, -7.0, -8.0, 9.0, -9.0))
    assert (integer.units, integer.precision, integer.element_count) == ("counts", 0, 1)
    assert states == Metadata(labels=("Aus", "An"))
    assert (waveform.units, waveform.element_count) == ("V", 7)
    assert text == Metadata()


async def test_states_know_the_labels_right_after_connecting(channels: CaChannels, ioc: SoftIoc, pv_prefix: str) -> None:
    pvs = [pv_prefix + name for name in NAMES]
    await channels.connect(pvs, CONNECT)
    states = await channels.states([*pvs, f"{pv_prefix}NOBODY"])
    assert labels_of(states) == ((), (), ("Aus", "An"), (), (), None)
    assert states.dbr_type[:5].tolist() == [DbrType.DOUBLE, DbrType.LONG, DbrType.ENUM, DbrType.FLOAT, DbrType.STRING]
    assert states.element_count.tolist() == [1, 1, 1, 7, 1, 0]
    assert states.connected.tolist() == states.ever_connected.tolist() == [True] * 5 + [False]
    assert states.readable.tolist() == states.writable.tolist() == [True] * 5 + [False]


async def test_changed_labels_are_noticed(channels: CaChannels, ioc: SoftIoc, pv_prefix: str) -> None:
    pv = f"{pv_prefix}MBBO"
    await channels.connect([pv], CONNECT)
    await labels_become(channels, pv, ("Aus", "An"))
    for label in (b"Off", b"Zu", b"\xd6l"):
        witness.write(f"{pv}.ZRST", [label], DbrType.STRING)
        await labels_become(channels, pv, (label.decode("latin-1"), "An"))
    assert labels_of(await channels.states([pv])) == (("Öl", "An"),)


async def test_changed_units_are_noticed(channels: CaChannels, ioc: SoftIoc, pv_prefix: str) -> None:
    pv = f"{pv_prefix}AO"
    await channels.connect([pv], CONNECT)
    witness.write(f"{pv}.EGU", [b"\xb5A"], DbrType.STRING)
    async with asyncio.timeout(CONNECT):
        while (await channels.read([pv], TIMEOUT)).reading(0).metadata.units != "µA":
            await asyncio.sleep(0.02)


async def test_after_a_restart_they_are_those_of_the_new_ioc(channels: CaChannels, ioc: SoftIoc, pv_prefix: str) -> None:
    pv = f"{pv_prefix}MBBO"
    await channels.connect([pv], CONNECT)
    ioc.restart(DATABASE.format(P=pv_prefix).replace("Aus", "Neu"))
    await reconnected(channels, pv)
    readings = await channels.read([pv], TIMEOUT)
    assert readings.reading(0).metadata.labels == ("Neu", "An")
    witness.write(f"{pv}.ONST", [b"Da"], DbrType.STRING)
    await labels_become(channels, pv, ("Neu", "Da"))


async def test_a_type_and_a_length_that_changed_are_noticed(
    channels: CaChannels, ioc: SoftIoc, pv_prefix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pvs = [pv_prefix + name for name in ("AO", "WF", "MBBO", "LONG", "TEXT")]
    await channels.connect(pvs, CONNECT)
    before = await channels.read(pvs, TIMEOUT)
    assert before.dbr_type.tolist() == [DbrType.DOUBLE, DbrType.FLOAT, DbrType.ENUM, DbrType.LONG, DbrType.STRING]
    ioc.restart(
        f'record(bo, "{pvs[0]}") {{ field(ZNAM, "Nein") field(ONAM, "Ja") }}\n'
        f'record(waveform, "{pvs[1]}") {{ field(FTVL, "LONG") field(NELM, "9") }}\n'
        f'record(ao, "{pvs[2]}") {{ field(EGU, "K") }}\n'
        f'record(stringout, "{pvs[3]}") {{ field(VAL, "no number") }}\n'
        f'record(mbbo, "{pvs[4]}") {{ field(ZRST, "nul") }}\n'
    )
    for pv in pvs:
        await reconnected(channels, pv)
    await channels.connect(pvs, CONNECT)
    types = [DbrType.ENUM, DbrType.LONG, DbrType.DOUBLE, DbrType.STRING, DbrType.ENUM]
    states = await channels.states(pvs)
    assert states.dbr_type.tolist() == types
    assert states.element_count.tolist() == [1, 9, 1, 1, 1]
    assert labels_of(states) == (("Nein", "Ja"), (), (), (), ("nul",))
    witness.write(pvs[1], bytes(36), DbrType.LONG)
    after = await channels.read(pvs, TIMEOUT)
    assert after.dbr_type.tolist() == types
    assert after.count.tolist() == [1, 9, 1, 1, 1]
    assert after.reading(2).metadata.units == "K"
    assert after.value(3) == b"no number"
    witness.write(f"{pvs[0]}.ZNAM", [b"No"], DbrType.STRING)
    await labels_become(channels, pvs[0], ("No", "Ja"))
    witness.write(f"{pvs[4]}.ZRST", [b"null"], DbrType.STRING)
    await labels_become(channels, pvs[4], ("null",))
    assert capfd.readouterr().err == ""


async def reconnected(channels: CaChannels, pv: str) -> None:
    """Wait until the PV was away and is there again."""
    async with asyncio.timeout(CONNECT):
        while (await channels.read([pv], TIMEOUT)).reason[0] != Reason.OK:
            await asyncio.sleep(0.05)
