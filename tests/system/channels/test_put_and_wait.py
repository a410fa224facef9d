"""put_and_wait: puts that are waited for, against records that take their time, as a motor or a cryostat does."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from snapioc.channels import CaChannels, ca_channels
from snapioc.channels.bulk import BulkEngine
from snapioc.channels.bulk.waits import Waiter
from snapioc.model import DbrType, Outcome, Readings, ReadingsBuilder, Reason, SnapError, Value
from tests.helpers.iocs import SoftIoc
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc

HOURS = 7200.0
"""Seconds of a timeout that no test waits for, unless it fails."""

DONE, PENDING, UNSENDABLE = Outcome.DONE, Outcome.PENDING, Outcome.UNSENDABLE

READ_ONLY = "ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }\nASG(RO) { RULE(1, READ) }\n"


def record(kind: str, name: str, **fields: object) -> str:
    return f'record({kind}, "{name}") {{ {" ".join(f"""field({key}, "{text}")""" for key, text in fields.items())} }}\n'


def slow(name: str, delay: float, kind: str = "ao", **fields: object) -> str:
    """A record that is done when the sequence it starts is: after `delay` seconds that counts `name`N."""
    return (
        record(kind, name, FLNK=f"{name}S", **fields)
        + record("seq", f"{name}S", DLY1=delay, DO1=1, LNK1=f"{name}N.A PP")
        + record("calc", f"{name}N", CALC="VAL+1")
    )


def readings(*values: Value, dbr_type: DbrType = DbrType.DOUBLE) -> Readings:
    builder = ReadingsBuilder(len(values))
    for row, value in enumerate(values):
        builder.add(row, DbrType.STRING if isinstance(value, bytes) else dbr_type, value)
    return builder.build()


def each(*timeouts: float) -> NDArray[np.float64]:
    return np.array(timeouts, np.float64)


async def becomes(channels: CaChannels, pv: str, value: object) -> None:
    async with asyncio.timeout(CONNECT):
        while (await channels.read([pv], TIMEOUT)).value(0) != value:
            await asyncio.sleep(0.05)


async def values_of(channels: CaChannels, pvs: Sequence[str]) -> list[object]:
    found = await channels.read(pvs, TIMEOUT)
    return [found.value(row) for row in range(len(pvs))]


async def test_a_slow_record_is_waited_for_and_a_quick_one_beside_it_too(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    pvs = [f"{pv_prefix}SLOW", f"{pv_prefix}QUICK"]
    start_ioc(slow(pvs[0], 3) + record("ao", pvs[1]))
    await channels.connect([*pvs, f"{pvs[0]}N"], CONNECT)
    told: list[int] = []
    outcomes = np.zeros(2, np.uint8)
    begun = time.monotonic()
    waiting = asyncio.create_task(channels.put_and_wait(pvs, readings(1.5, 2.5), each(HOURS, HOURS), told.append, outcomes))
    await becomes(channels, pvs[1], 2.5)
    async with asyncio.timeout(CONNECT):
        while outcomes[1] != DONE:
            await asyncio.sleep(0.02)
    if time.monotonic() - begun < 2:  # else this machine was too slow to see it
        assert outcomes[0] == Outcome.NOT_SENT
        assert await values_of(channels, [pvs[0], f"{pvs[0]}N"]) == [1.5, 0.0]
    assert await waiting is outcomes
    assert time.monotonic() - begun >= 2.9
    assert outcomes.tolist() == [DONE, DONE]
    assert await values_of(channels, [f"{pvs[0]}N"]) == [1.0]
    assert told == sorted(told)
    assert told[-1] == 2


async def test_each_pv_has_its_own_time(channels: CaChannels, start_ioc: StartIoc, pv_prefix: str) -> None:
    pvs = [f"{pv_prefix}{n}" for n in range(3)]
    start_ioc(slow(pvs[0], 40) + slow(pvs[1], 2) + record("ao", pvs[2]))
    await channels.connect(pvs, CONNECT)
    begun = time.monotonic()
    outcomes = await channels.put_and_wait(pvs, readings(1.0, 2.0, 3.0), each(0.3, HOURS, 0.3 + CONNECT))
    assert outcomes.tolist() == [PENDING, DONE, DONE]
    assert 1.9 <= time.monotonic() - begun < 35
    assert await values_of(channels, pvs) == [1.0, 2.0, 3.0]


async def test_what_cannot_be_written_says_why(channels: CaChannels, start_ioc: StartIoc, pv_prefix: str) -> None:
    pvs = [f"{pv_prefix}{name}" for name in ("RO", "DISP", "FREE", "NOBODY")]
    ioc = record("ao", pvs[0], ASG="RO") + record("ao", pvs[1], DISP=1) + record("ao", pvs[2])
    start_ioc(ioc, acf=READ_ONLY)
    await channels.connect(pvs[:3], CONNECT)
    outcomes = await channels.put_and_wait(pvs, readings(1.0, 1.0, 1.0, 1.0), each(*[HOURS] * 4))
    assert outcomes.tolist() == [Outcome.NO_WRITE_ACCESS, Outcome.REFUSED, DONE, Outcome.DISCONNECTED]
    assert await values_of(channels, pvs[:3]) == [0.0, 0.0, 1.0]


async def test_an_ioc_that_dies_ends_the_wait_for_its_pvs(channels: CaChannels, start_ioc: StartIoc, pv_prefix: str) -> None:
    mortal, other = f"{pv_prefix}MORTAL", f"{pv_prefix}OTHER"
    ioc, _ = start_ioc(slow(mortal, 40)), start_ioc(slow(other, 2))
    await channels.connect([mortal, other], CONNECT)
    waiting = asyncio.create_task(channels.put_and_wait([mortal, other], readings(1.0, 1.0), each(HOURS, HOURS)))
    await becomes(channels, mortal, 1.0)
    ioc.kill()
    async with asyncio.timeout(CONNECT):
        assert (await waiting).tolist() == [Outcome.DISCONNECTED, DONE]
    ioc.restart()
    await channels.connect([mortal], CONNECT)
    # What was owed before the end is not waited for after it.
    assert (await channels.put_and_wait([mortal], readings(2.0), each(0.3))).tolist() == [PENDING]
    assert await values_of(channels, [mortal]) == [2.0]


async def test_a_hung_ioc_costs_its_own_pvs_their_time_and_nobody_else_anything(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    hung, other = f"{pv_prefix}HUNG", f"{pv_prefix}OTHER"
    ioc, _ = start_ioc(record("ao", hung)), start_ioc(record("ao", other))
    await channels.connect([hung, other], CONNECT)
    ioc.stop()
    outcomes = await channels.put_and_wait([hung, other], readings(1.0, 1.0), each(0.5, HOURS))
    assert outcomes.tolist() == [PENDING, DONE]
    begun = time.monotonic()
    free, outcomes, found = await asyncio.gather(
        channels.put_and_wait([other], readings(2.0), each(HOURS)),
        channels.put_and_wait([hung], readings(2.0), each(HOURS)),
        channels.read([other], 300),
    )
    assert free.tolist() == [DONE]
    # Its first put is unanswered, so it is given no other, and some ten seconds later libca notices that it hangs.
    assert outcomes.tolist() in ([UNSENDABLE], [Outcome.DISCONNECTED])
    assert found.reason.tolist() == [Reason.OK]
    assert time.monotonic() - begun < 100
    ioc.cont()
    await becomes(channels, other, 2.0)


@pytest.mark.parametrize("delay", [1.5, 40])
async def test_giving_up_leaves_nothing_behind_and_a_late_callback_finds_nobody(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str, monkeypatch: pytest.MonkeyPatch, delay: float
) -> None:
    waiters: list[weakref.ref[Waiter]] = []
    made = Waiter.__init__

    def note(self: Waiter, *arguments: object) -> None:
        waiters.append(weakref.ref(self))
        made(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Waiter, "__init__", note)
    pv = f"{pv_prefix}SLOW"
    start_ioc(slow(pv, delay))
    await channels.connect([pv, f"{pv}N"], CONNECT)
    waiting = asyncio.create_task(channels.put_and_wait([pv], readings(1.0), each(HOURS)))
    await becomes(channels, pv, 1.0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await values_of(channels, [pv]) == [1.0]
    async with asyncio.timeout(CONNECT):
        while any(waiter() for waiter in waiters):
            await asyncio.sleep(0.05)
            gc.collect()
    if isinstance(channels._engine, BulkEngine):  # noqa: SLF001
        assert len(waiters) == 1
    if delay < 10:
        await becomes(channels, f"{pv}N", 1.0)
        await asyncio.sleep(0.3)
    # A record that is still busy is turned to the new value at once.
    waiting = asyncio.create_task(channels.put_and_wait([pv], readings(2.0), each(HOURS if delay < 10 else 1.0)))
    await becomes(channels, pv, 2.0)
    assert (await waiting).tolist() == [DONE if delay < 10 else PENDING]


async def test_a_busy_record_turns_at_once_and_is_waited_for_again(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    record_name = f"{pv_prefix}SLOW"
    pv, count = f"{record_name}.A", f"{pv_prefix}COUNT"
    start_ioc(record("calcout", record_name, CALC="A", ODLY=2, OUT=f"{count}.A PP") + record("calc", count, CALC="VAL+1"))
    await channels.connect([pv, count], CONNECT)
    first = asyncio.create_task(channels.put_and_wait([pv], readings(1.0), each(HOURS)))
    await becomes(channels, pv, 1.0)
    begun = time.monotonic()
    second = asyncio.create_task(channels.put_and_wait([pv], readings(2.0), each(HOURS)))
    await becomes(channels, pv, 2.0)
    if time.monotonic() - begun < 1:  # else this machine was too slow to see it
        assert not first.done()
    assert (await first).tolist() == [DONE]
    ended = time.monotonic()
    assert (await second).tolist() == [DONE]
    # It was turned while it was busy, so it went through it all once more before it took the put that is waited for.
    assert time.monotonic() - ended >= 1.9
    assert (await channels.read([count], TIMEOUT)).value(0) in (2.0, 3.0)
    assert await values_of(channels, [pv]) == [2.0]


async def test_reads_and_writes_go_on_meanwhile_also_of_the_same_ioc(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    many, other = [f"{pv_prefix}{n}" for n in range(200)], f"{pv_prefix}OTHER"
    wave = f"{pv_prefix}WAVE"
    size = 5000
    start_ioc(
        "".join(slow(pv, 30) for pv in many) + record("ao", other) + slow(wave, 30, "waveform", FTVL="DOUBLE", NELM=size)
    )
    await channels.connect([*many, other, wave], CONNECT)
    values = readings(*[float(n) for n in range(200)], np.arange(size) / 3)
    outcomes = np.zeros(201, np.uint8)
    begun = time.monotonic()
    waiting = asyncio.create_task(channels.put_and_wait([*many, wave], values, each(*[HOURS] * 201), None, outcomes))
    await becomes(channels, many[-1], 199.0)
    for number in range(5):
        assert (await channels.write([other], readings(float(number)), 300)).tolist() == [DONE]
        assert (await channels.put_and_wait([other], readings(number + 0.5), each(HOURS))).tolist() == [DONE]
        assert await values_of(channels, [other, many[7]]) == [number + 0.5, 7.0]
    # A plain write to one that is waited for arrives as well.
    (outcome,) = (await channels.write([many[3]], readings(33.0), 300)).tolist()
    assert outcome in (DONE, PENDING)
    assert await values_of(channels, [many[3]]) == [33.0]
    if time.monotonic() - begun < 25:
        assert not waiting.done()
        assert DONE not in outcomes
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_two_hundred_waits_at_once(channels: CaChannels, start_ioc: StartIoc, pv_prefix: str) -> None:
    many = [f"{pv_prefix}{n}" for n in range(200)]
    start_ioc("".join(slow(pv, 2) for pv in many))
    await channels.connect(many, CONNECT)
    begun = time.monotonic()
    outcomes = await channels.put_and_wait(many, readings(*[float(n) for n in range(200)]), each(*[HOURS] * 200))
    assert 1.9 <= time.monotonic() - begun < 100  # one after the other it would be 400
    assert set(outcomes.tolist()) == {DONE}
    assert await values_of(channels, many) == [float(n) for n in range(200)]


async def test_arrays_and_long_texts_are_waited_for(channels: CaChannels, start_ioc: StartIoc, pv_prefix: str) -> None:
    wave, text = f"{pv_prefix}WAVE", f"{pv_prefix}TEXT"
    start_ioc(slow(wave, 1.5, "waveform", FTVL="DOUBLE", NELM=100) + slow(text, 1.5, "lso", SIZV=200))
    await channels.connect([wave, text, f"{wave}N", f"{text}N"], CONNECT)
    long_text = b"x" * 150
    begun = time.monotonic()
    outcomes = await channels.put_and_wait([wave, text], readings(np.arange(50.0), long_text), each(HOURS, HOURS))
    assert outcomes.tolist() == [DONE, DONE]
    assert time.monotonic() - begun >= 1.4
    found = await channels.read([wave, text], TIMEOUT)
    assert found.same_values(readings(np.arange(50.0), long_text)).tolist() == [True, True]
    assert await values_of(channels, [f"{wave}N", f"{text}N"]) == [1.0, 1.0]


async def test_arrays_larger_than_what_a_circuit_takes_at_once(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    size = 100_000
    waves = [f"{pv_prefix}{n}" for n in range(3)]
    start_ioc(
        "".join(slow(pv, 1, "waveform", FTVL="DOUBLE", NELM=size) for pv in waves), EPICS_CA_MAX_ARRAY_BYTES="20000000"
    )
    await channels.connect(waves, CONNECT)
    values = readings(*[np.arange(size) + float(n) for n in range(3)])
    outcomes = await channels.put_and_wait(waves, values, each(*[HOURS] * 3))
    assert outcomes.tolist() == [DONE] * 3
    assert (await channels.read(waves, TIMEOUT)).same_values(values).all()


async def test_what_could_not_be_sent_in_time_is_not_sent_later(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    size, count = 20_000, 12
    waves = [f"{pv_prefix}{n}" for n in range(count)]
    ioc: SoftIoc = start_ioc(
        "".join(record("waveform", pv, FTVL="DOUBLE", NELM=size) for pv in waves), EPICS_CA_MAX_ARRAY_BYTES="20000000"
    )
    await channels.connect(waves, CONNECT)
    ioc.stop()
    values = readings(*[np.full(size, 7.0)] * count)
    outcomes = await channels.put_and_wait(waves, values, each(*[0.5] * count))
    assert set(outcomes.tolist()) == {PENDING, UNSENDABLE}
    ioc.cont()
    unsent = [pv for pv, outcome in zip(waves, outcomes, strict=True) if outcome == UNSENDABLE]
    async with asyncio.timeout(CONNECT):
        while (await channels.read(waves, TIMEOUT)).count.tolist().count(size) < count - len(unsent):
            await asyncio.sleep(0.05)
    assert (await channels.read(unsent, TIMEOUT)).count.tolist() == [0] * len(unsent)


async def test_a_blocked_client_is_noticed_long_before_the_time_of_the_put_is_over(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pv = f"{pv_prefix}SLOW"
    start_ioc(slow(pv, 40))
    await channels.connect([pv], CONNECT)
    monkeypatch.setattr(ca_channels, "MARGIN", 0.5)
    waiting = asyncio.create_task(channels.put_and_wait([pv], readings(1.0), each(HOURS)))
    await asyncio.sleep(1)
    assert not waiting.done()

    async def block() -> None:
        time.sleep(3)  # noqa: ASYNC251 - as libca does

    blocking = asyncio.create_task(channels._thread.run(block(), CONNECT))  # noqa: SLF001
    begun = time.monotonic()
    with pytest.raises(SnapError, match="hung IOC"):
        await waiting
    assert time.monotonic() - begun < 100
    await blocking


async def test_a_refused_array_larger_than_what_a_circuit_takes_at_once_is_no_success(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    size, wave = 100_000, f"{pv_prefix}WAVE"
    start_ioc(record("waveform", wave, FTVL="DOUBLE", NELM=size, DISP=1), EPICS_CA_MAX_ARRAY_BYTES="20000000")
    await channels.connect([wave], CONNECT)
    values = readings(np.arange(size) / 3)
    assert (await channels.put_and_wait([wave], values, each(HOURS))).tolist() == [Outcome.REFUSED]
    assert (await channels.write([wave], values, TIMEOUT)).tolist() == [Outcome.REFUSED]
