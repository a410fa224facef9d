"""Texts longer than a DBR_STRING come whole, or say that they do not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from snapioc.channels import CaChannels
from snapioc.model import DbrType, Flag, Outcome, Readings, ReadingsBuilder
from tests.system.channels import witness
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc, caproto_server

DATABASE = """
record(lso, "{P}LSO") {{ field(SIZV, "200") }}
record(lso, "{P}NEVER") {{ field(SIZV, "200") }}
record(stringout, "{P}SO") {{ field(VAL, "{FULL}") }}
record(ai, "{P}AI") {{ field(INP, "{LINK}") }}
record(ao, "{P}AO") {{}}
record(waveform, "{P}LIST") {{ field(FTVL, "STRING") field(NELM, "3") }}
"""

FULL = "x" * 39
LINK = "A" * 30 + ":IOC:" + "B" * 10
LONG = bytes(range(32, 127)) + b"\xe4\xf6" + b"y" * 53


async def text_of(channels: CaChannels, pv: str) -> tuple[object, Flag, DbrType]:
    await channels.connect([pv], CONNECT)
    reading = (await channels.read([pv], TIMEOUT)).reading(0)
    return reading.value, reading.flags, reading.dbr_type


def text(value: bytes) -> Readings:
    builder = ReadingsBuilder(1)
    builder.add(0, DbrType.STRING, value)
    return builder.build()


@pytest.fixture
def ioc(start_ioc: StartIoc, pv_prefix: str) -> str:
    start_ioc(DATABASE.format(P=pv_prefix, FULL=FULL, LINK=LINK))
    return pv_prefix


async def test_a_long_text_is_read_whole_and_written_whole(channels: CaChannels, ioc: str) -> None:
    pv = f"{ioc}LSO"
    assert len(LONG) == 150
    witness.write(f"{pv}.VAL$", LONG + b"\0", DbrType.CHAR)
    assert await text_of(channels, pv) == (LONG, Flag.LONG, DbrType.STRING)
    stored = await channels.read([pv], TIMEOUT)
    witness.write(pv, [b"short"], DbrType.STRING)
    assert await text_of(channels, pv) == (b"short", Flag.NONE, DbrType.STRING)
    assert (await channels.write([pv], stored, TIMEOUT)).tolist() == [Outcome.DONE]
    seen = witness.read(f"{pv}.VAL$", DbrType.CHAR).raw
    assert seen == LONG + b"\0"
    assert (await channels.read([pv], TIMEOUT)).same_values(stored).all()


async def test_it_has_the_time_of_its_record(channels: CaChannels, ioc: str) -> None:
    witness.write(f"{ioc}LSO.VAL$", LONG + b"\0", DbrType.CHAR)
    seen = witness.read(f"{ioc}LSO", DbrType.STRING)
    await channels.connect([f"{ioc}LSO"], CONNECT)
    readings = await channels.read([f"{ioc}LSO"], TIMEOUT)
    assert (readings.seconds[0], readings.nanoseconds[0]) == (seen.seconds, seen.nanoseconds)


async def test_a_long_link_is_read_whole_and_written_whole(channels: CaChannels, ioc: str) -> None:
    assert len(LINK) == 45
    pv = f"{ioc}AI.INP"
    value, flags, _ = await text_of(channels, pv)
    assert isinstance(value, bytes)
    assert value.startswith(LINK.encode())
    assert flags == Flag.LONG
    assert (await channels.write([pv], text(LINK.encode() + b"X"), TIMEOUT)).tolist() == [Outcome.DONE]
    value, _, _ = await text_of(channels, pv)
    assert isinstance(value, bytes)
    assert value.startswith(LINK.encode() + b"X")


async def test_a_text_that_just_fits_is_whole(channels: CaChannels, ioc: str) -> None:
    assert await text_of(channels, f"{ioc}SO") == (FULL.encode(), Flag.NONE, DbrType.STRING)


async def test_a_long_text_can_be_made_empty_and_one_that_never_was_written_is_empty(channels: CaChannels, ioc: str) -> None:
    assert await text_of(channels, f"{ioc}NEVER") == (b"", Flag.NONE, DbrType.STRING)
    stored = await channels.read([f"{ioc}NEVER"], TIMEOUT)
    witness.write(f"{ioc}NEVER.VAL$", LONG + b"\0", DbrType.CHAR)
    assert (await channels.write([f"{ioc}NEVER"], stored, TIMEOUT)).tolist() == [Outcome.DONE]
    assert (await channels.read([f"{ioc}NEVER"], TIMEOUT)).same_values(stored).all()


async def test_a_long_text_to_a_pv_that_cannot_take_it_is_unsendable(channels: CaChannels, ioc: str) -> None:
    await channels.connect([f"{ioc}SO"], CONNECT)
    outcomes = await channels.write([f"{ioc}SO"], text(b"z" * 60), TIMEOUT)
    assert outcomes.tolist() == [Outcome.UNSENDABLE]
    assert witness.read(f"{ioc}SO", DbrType.STRING).raw == [FULL.encode()]


async def test_the_list_of_texts_is_not_taken_for_a_long_one(channels: CaChannels, ioc: str) -> None:
    witness.write(f"{ioc}LIST", [FULL.encode()], DbrType.STRING)
    assert (await text_of(channels, f"{ioc}LIST"))[1] == Flag.NONE


async def test_a_channel_asked_for_as_characters_is_an_array_of_them(channels: CaChannels, ioc: str) -> None:
    witness.write(f"{ioc}LSO", [b"abc"], DbrType.STRING)
    await channels.connect([f"{ioc}LSO.VAL$"], CONNECT)
    readings = await channels.read([f"{ioc}LSO.VAL$"], TIMEOUT)
    assert (readings.dbr_type[0], readings.raw(0)) == (DbrType.CHAR, b"abc\0")


@pytest.fixture(params=["39", "60"])
def plain_server(request: pytest.FixtureRequest, pv_prefix: str, ioc_ports: Iterator[int]) -> Iterator[str]:
    """A server that knows no `NAME.VAL$`, as old gateways and portable servers do; the fixture is its text's name."""
    with caproto_server("text_server.py", next(ioc_ports), f"{pv_prefix}CUT", request.param):
        yield f"{pv_prefix}CUT"


async def test_text_that_cannot_be_asked_for_whole_is_marked_as_cut_and_costs_its_wait_only_once(
    channels: CaChannels, plain_server: str
) -> None:
    pv = plain_server
    await channels.connect([pv, f"{pv}2"], CONNECT)
    assert await text_of(channels, pv) == (b"c" * 39, Flag.CUT, DbrType.STRING)
    begun = time.monotonic()
    for _ in range(20):
        readings = await channels.read([pv, f"{pv}2"], TIMEOUT)
    assert time.monotonic() - begun < 15
    assert [readings.flags[0], readings.value(1)] == [Flag.CUT, 2.0]
