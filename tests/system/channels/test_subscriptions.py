"""What is heard of PVs: every event once, in order, of the right type, whatever happens to the IOC."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from snapioc.channels import CaChannels, delivery
from snapioc.model import DbrType, Flag, Reading, ReadingsBuilder, Reason
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc
from tests.system.channels.hearing import Heard

PVS = int(os.environ.get("SNAPIOC_EVENT_PVS", "100"))
ROUNDS = int(os.environ.get("SNAPIOC_EVENT_ROUNDS", "200"))
"""Of puts to each PV, 100 a second."""

AHEAD = 3
"""Rounds that are put before the first of them was heard: an IOC keeps four events of a PV for a client at least."""


def counters(prefix: str, count: int) -> str:
    return "".join(f'record(longout, "{prefix}{n}") {{}}\n' for n in range(count))


@contextmanager
def driver(prefix: str, pvs: int, rounds: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(Path(__file__).with_name("driver.py")), prefix, str(pvs), str(rounds), "100"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "connected\n"
            yield process
        finally:
            process.kill()


def allow(process: subprocess.Popen[str], rounds: int) -> None:
    assert process.stdin
    process.stdin.write("\n" * rounds)
    process.stdin.flush()


async def put(channels: CaChannels, pv: str, value: int | float) -> None:
    builder = ReadingsBuilder(1)
    builder.add(0, DbrType.DOUBLE if isinstance(value, float) else DbrType.LONG, value)
    await channels.write([pv], builder.build(), TIMEOUT)


async def answers_again(channels: CaChannels, pv: str) -> None:
    async with asyncio.timeout(CONNECT):
        while await channels.disconnected([pv]) or any(host.hung for host in await channels.hosts([pv])):
            await asyncio.sleep(0.05)


def stamps(readings: list[Reading]) -> list[float]:
    return [reading.timestamp for reading in readings if reading.reason is Reason.OK]


async def test_every_event_of_a_hundred_counters_is_heard_once_and_in_order(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    pvs, heard = [f"{pv_prefix}{n}" for n in range(PVS)], Heard()
    start_ioc(counters(pv_prefix, PVS))
    await channels.connect(pvs, CONNECT)
    subscription = await channels.subscribe(pvs, heard)
    await heard.until(lambda: len(heard) == PVS)
    with driver(pv_prefix, PVS, ROUNDS) as process:
        for count in range(ROUNDS):
            await heard.until(lambda count=count: len(heard) >= PVS * (1 + count - AHEAD))
            allow(process, 1)
        await heard.until(lambda: len(heard) >= PVS * (1 + ROUNDS))
    for row in range(0, PVS, max(1, PVS // 10)):
        assert heard.values(row) == list(range(ROUNDS + 1))
        assert stamps(heard.of(row)) == sorted(stamps(heard.of(row)))
    rows = np.concatenate([events.rows for events in heard.batches])
    assert np.bincount(rows).tolist() == [ROUNDS + 1] * PVS
    await subscription.close()


RECORDS = """
record(ao, "{p}NUMBER") {{ field(VAL, "1.5") field(PINI, "YES") field(EGU, "mm") }}
record(stringout, "{p}TEXT") {{ field(VAL, "hello") field(PINI, "YES") }}
record(lso, "{p}LONG") {{ field(SIZV, "100") }}
record(waveform, "{p}ARRAY") {{ field(FTVL, "SHORT") field(NELM, "5") field(INP, [1, 2, 3]) }}
record(mbbo, "{p}STATE") {{ field(ZRST, "a") field(ONST, "b") field(VAL, "1") field(PINI, "YES") field(ONSV, "MAJOR") }}
"""


async def test_first_comes_what_each_pv_holds_in_its_own_type_and_length(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    names = ["NUMBER", "TEXT", "LONG", "ARRAY", "STATE", "NUMBER", "NOBODY"]
    pvs, heard = [pv_prefix + name for name in names], Heard()
    start_ioc(RECORDS.format(p=pv_prefix))
    await channels.connect(pvs[:-1], CONNECT)
    builder = ReadingsBuilder(1)
    builder.add(0, DbrType.STRING, b"x" * 80)
    await channels.write([pvs[2]], builder.build(), TIMEOUT)
    subscription = await channels.subscribe(pvs, heard)
    await heard.until(lambda: len(heard) == 6)
    read = await channels.read(pvs, TIMEOUT)
    for row in (0, 1, 4, 5):
        assert heard.of(row) == [read.reading(row)]
    (array,) = heard.values(3)
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [1, 2, 3]
    assert array.dtype == np.int16
    # The whole of a long text is on another channel.
    (cut,) = heard.of(2)
    assert (cut.value, cut.flags) == (b"x" * 39, Flag.CUT)
    assert heard.values(6) == []
    await subscription.close()
    await put(channels, pvs[0], 7.0)
    await asyncio.sleep(0.2)
    assert len(heard) == 6
    assert (await channels.read(pvs[:1], TIMEOUT)).value(0) == 7.0


async def test_a_pv_that_goes_says_so_and_comes_back_as_what_it_is_then(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    pvs, heard = [f"{pv_prefix}{n}" for n in range(3)], Heard()
    ioc = start_ioc(counters(pv_prefix, 3))
    subscription = await channels.subscribe(pvs, heard)
    await heard.until(lambda: len(heard) == 3)
    changes = await channels.connection_changes()
    ioc.kill()
    await heard.until(lambda: len(heard) == 6)
    assert [heard.values(row) for row in range(3)] == [[0, Reason.DISCONNECTED]] * 3
    ioc.restart(
        f'record(longout, "{pvs[0]}") {{ field(VAL, "5") field(PINI, "YES") }}\n'
        f'record(stringout, "{pvs[1]}") {{ field(VAL, "now a text") field(PINI, "YES") }}\n'
        f'record(waveform, "{pvs[2]}") {{ field(FTVL, "DOUBLE") field(NELM, "4") field(INP, [1.5, 2.5]) }}\n'
    )
    await heard.until(lambda: all(len(heard.of(row)) >= 3 for row in range(3)))
    assert heard.values(0)[2:] == [5]
    assert heard.values(1)[2:] == [b"now a text"]
    (array,) = heard.values(2)[2:]
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [1.5, 2.5]
    assert await channels.connection_changes() > changes
    await put(channels, pvs[0], 6)
    await heard.until(lambda: len(heard.of(0)) == 4)
    assert heard.values(0)[-1] == 6
    await subscription.close()


async def test_an_ioc_that_hangs_for_long_loses_nothing_of_what_it_sends(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    pv, heard = f"{pv_prefix}0", Heard()
    ioc = start_ioc(counters(pv_prefix, 1))
    await channels.connect([pv], CONNECT)
    subscription = await channels.subscribe([pv], heard)
    await heard.until(lambda: len(heard) == 1)
    ioc.stop()
    await heard.until(lambda: len(heard) == 2)  # libca gives it up
    ioc.cont()
    await heard.until(lambda: len(heard) >= 3)
    await answers_again(channels, pv)
    for value in range(1, 6):
        await put(channels, pv, value)
        await heard.until(lambda value=value: heard.values(0)[-1] == value)
    values = heard.values(0)
    assert values[:2] == [0, Reason.DISCONNECTED]
    assert list(dict.fromkeys(values[2:])) == [0, 1, 2, 3, 4, 5]
    await subscription.close()


async def test_two_subscriptions_to_one_pv_do_not_disturb_each_other(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    pv, one, other = f"{pv_prefix}0", Heard(), Heard()
    start_ioc(counters(pv_prefix, 1))
    await channels.connect([pv], CONNECT)
    first = await channels.subscribe([pv], one)
    await one.until(lambda: len(one) == 1)
    second = await channels.subscribe([f"{pv_prefix}NOBODY", pv], other)
    await put(channels, pv, 1)
    await other.until(lambda: bool(other.values(1)) and other.values(1)[-1] == 1)
    await one.until(lambda: len(one) == 2)
    await first.close()
    await put(channels, pv, 2)
    await other.until(lambda: other.values(1)[-1] == 2)
    assert one.values(0) == [0, 1]
    await second.close()


async def test_what_a_frozen_main_loop_cannot_take_is_said_to_be_lost(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pv, heard = f"{pv_prefix}0", Heard()
    monkeypatch.setattr(delivery, "HELD", 20 * delivery.ROW)
    start_ioc(counters(pv_prefix, 1))
    await channels.connect([pv], CONNECT)
    subscription = await channels.subscribe([pv], heard)
    await heard.until(lambda: len(heard) == 1)
    with driver(pv_prefix, 1, 200) as process:
        allow(process, 200)
        assert process.wait(CONNECT) == 0  # the loop stands still meanwhile
        time.sleep(0.5)
    await heard.until(lambda: heard.values(0)[-1] == 200)
    values = heard.values(0)
    assert Reason.EVENTS_LOST in values
    assert len(values) < 150
    numbers = [value for value in values if type(value) is int]
    assert numbers == sorted(set(numbers))
    assert values[values.index(Reason.EVENTS_LOST) - 1] == numbers[values.index(Reason.EVENTS_LOST) - 1]
    await subscription.close()


async def test_a_pv_that_may_not_be_read_says_so(channels: CaChannels, start_ioc: StartIoc, pv_prefix: str) -> None:
    acf = "ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }\nASG(NONE)\n"
    start_ioc(f'record(longout, "{pv_prefix}0") {{ field(ASG, "NONE") }}\n', acf=acf)
    heard = Heard()
    await channels.connect([f"{pv_prefix}0"], CONNECT)
    subscription = await channels.subscribe([f"{pv_prefix}0"], heard)
    await heard.until(lambda: len(heard) == 1)
    assert heard.values(0) == [Reason.NO_READ_ACCESS]
    await subscription.close()


async def test_nothing_to_hear_of_is_no_trouble(channels: CaChannels) -> None:
    subscription = await channels.subscribe([], Heard())
    await asyncio.sleep(0.1)
    await subscription.close()
