"""Dead, hung, vanishing and returning servers cost those who ask them their deadline, and nobody else anything.

Where time matters, a hung IOC's deadline is made so long that only waiting for it in vain could exceed the limit asserted.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from snapioc.channels import CaChannels
from snapioc.model import DbrType, Outcome, Readings, ReadingsBuilder, Reason
from tests.helpers.iocs import SoftIoc
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc, caproto_server

PATIENCE = 0.5
"""Seconds of silence after which a hung IOC is not waited for; a running one answers in a few milliseconds."""


def records(prefix: str, count: int) -> str:
    return "".join(f'record(longout, "{prefix}{n}") {{ field(VAL, "{n}") field(PINI, "YES") }}\n' for n in range(count))


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(count)]


def reasons(readings: Readings, rows: slice = slice(None)) -> set[Reason]:
    return {Reason(reason) for reason in readings.reason[rows]}


def numbers(values: Sequence[int]) -> Readings:
    builder = ReadingsBuilder(len(values))
    for row, value in enumerate(values):
        builder.add(row, DbrType.LONG, value)
    return builder.build()


async def becomes(channels: CaChannels, pv: str, reason: Reason) -> None:
    async with asyncio.timeout(CONNECT):
        while (await channels.read([pv], PATIENCE)).reason[0] != reason:
            await asyncio.sleep(0.05)


@pytest.fixture
def two_iocs(start_ioc: StartIoc, pv_prefix: str) -> tuple[SoftIoc, SoftIoc]:
    """One with A0 to A99, that lives; one with B0 to B99, that the test may hurt."""
    return start_ioc(records(f"{pv_prefix}A", 100)), start_ioc(records(f"{pv_prefix}B", 100))


@pytest.fixture
def living(pv_prefix: str) -> list[str]:
    return names(f"{pv_prefix}A", 100)


@pytest.fixture
def hurt(pv_prefix: str) -> list[str]:
    return names(f"{pv_prefix}B", 100)


async def test_names_that_nobody_has_are_missing_at_once(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], living: list[str], pv_prefix: str
) -> None:
    nobody = names(f"{pv_prefix}NOBODY", 100)
    await channels.connect(living, CONNECT)
    await channels.connect(nobody, 0.3)
    assert await channels.disconnected([*nobody[:2], *living]) == nobody[:2]
    begun = time.monotonic()
    readings = await channels.read(nobody + living, 300)
    assert time.monotonic() - begun < 100
    assert reasons(readings, slice(100)) == {Reason.NEVER_CONNECTED}
    assert [readings.value(row) for row in range(100, 200)] == list(range(100))


async def test_a_hung_ioc_costs_its_own_pvs_only(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], living: list[str], hurt: list[str]
) -> None:
    await channels.connect(living + hurt, CONNECT)
    two_iocs[1].stop()
    readings = await channels.read(hurt + living, PATIENCE)
    assert reasons(readings, slice(100)) == {Reason.NO_ANSWER}
    assert reasons(readings, slice(100, None)) == {Reason.OK}
    begun = time.monotonic()
    assert reasons(await channels.read(living, 300)) == {Reason.OK}
    assert time.monotonic() - begun < 100


async def test_sixty_reads_of_a_hung_ioc_leave_the_others_undisturbed_and_it_comes_back(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], living: list[str], hurt: list[str]
) -> None:
    await channels.connect(living + hurt, CONNECT)
    two_iocs[1].stop()
    for _ in range(60):
        together, alone = await asyncio.gather(channels.read(hurt + living, 0.2), channels.read(living, 300))
        assert reasons(together, slice(100)) <= {Reason.NO_ANSWER, Reason.DISCONNECTED, Reason.HUNG}
        assert reasons(together, slice(100, None)) == reasons(alone) == {Reason.OK}
    two_iocs[1].cont()
    await becomes(channels, hurt[0], Reason.OK)
    readings = await channels.read(hurt + living, TIMEOUT)
    assert [readings.value(row) for row in range(200)] == [*range(100), *range(100)]


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(
    channels: CaChannels, ioc_ports: Iterator[int], pv_prefix: str
) -> None:
    pv = f"{pv_prefix}COUNT"
    with caproto_server("slow_server.py", next(ioc_ports), pv):
        await channels.connect([pv], CONNECT)
        assert (await channels.read([pv], PATIENCE)).reason[0] == Reason.NO_ANSWER
        # The first read is answered now, and tells of a time before this one began.
        assert (await channels.read([pv], CONNECT)).value(0) == 2.0


async def test_an_ioc_that_hangs_during_the_read_leaves_what_it_had_answered(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    many = names(pv_prefix, 5000)
    ioc = start_ioc(records(pv_prefix, 5000))
    await channels.connect(many, CONNECT)
    seen: list[int] = []

    def stop_it(done: int) -> None:
        seen.append(done)
        ioc.stop()

    readings = await channels.read(many, PATIENCE, stop_it)
    assert reasons(readings) <= {Reason.OK, Reason.NO_ANSWER}
    assert all(readings.value(row) == row for row in np.flatnonzero(readings.ok).tolist())
    assert seen
    assert seen == sorted(set(seen))
    ioc.cont()
    await becomes(channels, many[-1], Reason.OK)
    assert reasons(await channels.read(many, TIMEOUT)) == {Reason.OK}


async def test_an_ioc_that_dies_during_the_read_is_disconnected_without_waiting(
    channels: CaChannels,
    start_ioc: StartIoc,
    pv_prefix: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    many = names(pv_prefix, 5000)
    ioc = start_ioc(records(pv_prefix, 5000))
    await channels.connect(many, CONNECT)
    ioc.stop()  # so that it cannot have answered before it dies
    reading = asyncio.create_task(channels.read(many, 300))
    await asyncio.sleep(0.3)
    begun = time.monotonic()
    ioc.kill()
    assert reasons(await reading) == {Reason.DISCONNECTED}
    assert time.monotonic() - begun < 100
    assert await channels.disconnected(many) == many
    states = await channels.states(many[:1])
    assert states.ever_connected.all()
    assert not states.connected.any()
    assert states.dbr_type.tolist() == [DbrType.LONG]
    assert capfd.readouterr().err == ""
    assert "libca: " in caplog.text


async def test_a_killed_ioc_that_comes_back_is_found_again(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], hurt: list[str]
) -> None:
    await channels.connect(hurt, CONNECT)
    two_iocs[1].kill()
    await becomes(channels, hurt[0], Reason.DISCONNECTED)
    two_iocs[1].restart()
    await channels.connect(hurt, CONNECT)
    assert reasons(await channels.read(hurt, TIMEOUT)) == {Reason.OK}


@pytest.mark.slow
async def test_forty_thousand_pvs_of_a_hung_ioc_never_block_the_client(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    """More than libca takes without blocking: 30 s in the eighth round, when they are all asked again and again."""
    many = names(pv_prefix, 40_000)
    ioc, other = start_ioc(records(pv_prefix, 40_000)), start_ioc(records(f"{pv_prefix}OTHER", 1))
    await channels.connect([*many, f"{pv_prefix}OTHER0"], CONNECT)
    assert reasons(await channels.read(many, TIMEOUT)) == {Reason.OK}
    ioc.stop()
    for _ in range(12):
        hung, free = await asyncio.gather(channels.read(many, 0.2), channels.read([f"{pv_prefix}OTHER0"], 300))
        assert reasons(hung) <= {Reason.NO_ANSWER, Reason.DISCONNECTED, Reason.HUNG}
        assert reasons(free) == {Reason.OK}
    ioc.cont()
    assert other.port != ioc.port
    await becomes(channels, many[-1], Reason.OK)
    await channels.connect(many, CONNECT)
    readings = await channels.read(many, TIMEOUT)
    assert reasons(readings) == {Reason.OK}
    assert readings.bits.astype(np.int64).tolist() == list(range(40_000))


async def test_an_aborted_read_leaves_the_client_as_it_was(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], hurt: list[str]
) -> None:
    await channels.connect(hurt, CONNECT)
    two_iocs[1].stop()
    reading = asyncio.create_task(channels.read(hurt, 300))
    await asyncio.sleep(0.3)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    two_iocs[1].cont()
    await becomes(channels, hurt[0], Reason.OK)
    assert reasons(await channels.read(hurt, TIMEOUT)) == {Reason.OK}


async def test_a_write_to_a_hung_ioc_spoils_no_other_and_is_not_made_up_for_later_if_it_was_not_sent(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], living: list[str], hurt: list[str]
) -> None:
    pvs = living + hurt
    await channels.connect(pvs, CONNECT)
    two_iocs[1].stop()
    outcomes = await channels.write(pvs, numbers([7] * 200), PATIENCE)
    assert outcomes.tolist() == [Outcome.DONE] * 100 + [Outcome.PENDING] * 100
    # A second put to a channel whose first is unanswered is not sent: libca would block in the end.
    outcomes = await channels.write(pvs, numbers([8] * 200), PATIENCE)
    assert outcomes.tolist()[:100] == [Outcome.DONE] * 100
    assert set(outcomes.tolist()[100:]) <= {Outcome.UNSENDABLE, Outcome.DISCONNECTED}
    two_iocs[1].cont()
    await becomes(channels, hurt[0], Reason.OK)
    readings = await channels.read(pvs, TIMEOUT)
    assert [readings.value(row) for row in range(200)] == [8] * 100 + [7] * 100


async def test_large_arrays_to_a_hung_ioc_do_not_block_the_client(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    size, count = 100_000, 40
    waveforms = "".join(
        f'record(waveform, "{pv_prefix}W{n}") {{ field(FTVL, "DOUBLE") field(NELM, "{size}") }}\n' for n in range(count)
    )
    environment = {"EPICS_CA_MAX_ARRAY_BYTES": "20000000"}
    ioc, _ = start_ioc(waveforms, **environment), start_ioc(records(f"{pv_prefix}A", 1))
    large, other = names(f"{pv_prefix}W", count), [f"{pv_prefix}A0"]
    await channels.connect(large + other, CONNECT)
    builder = ReadingsBuilder(count)
    for row in range(count):
        builder.add(row, DbrType.DOUBLE, np.arange(size) + float(row))
    values = builder.build()
    assert (await channels.write(large, values, TIMEOUT)).tolist() == [Outcome.DONE] * count
    ioc.stop()
    for _ in range(3):
        outcomes, free = await asyncio.gather(channels.write(large, values, PATIENCE), channels.read(other, 300))
        assert set(outcomes.tolist()) <= {Outcome.PENDING, Outcome.UNSENDABLE, Outcome.DISCONNECTED}
        assert Outcome.UNSENDABLE in outcomes
        assert reasons(free) == {Reason.OK}
    ioc.cont()
    await becomes(channels, large[-1], Reason.OK)
    assert (await channels.write(large, values, TIMEOUT)).tolist() == [Outcome.DONE] * count


async def test_a_write_that_never_began_does_not_happen_when_the_ioc_comes_back(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], hurt: list[str]
) -> None:
    await channels.connect(hurt, CONNECT)
    two_iocs[1].kill()
    await becomes(channels, hurt[0], Reason.DISCONNECTED)
    assert set((await channels.write(hurt, numbers([9] * 100), PATIENCE)).tolist()) == {Outcome.DISCONNECTED}
    two_iocs[1].restart()
    await channels.connect(hurt, CONNECT)
    readings = await channels.read(hurt, TIMEOUT)
    assert [readings.value(row) for row in range(100)] == list(range(100))


async def test_an_ioc_that_dies_during_a_write_is_disconnected_without_waiting(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], hurt: list[str]
) -> None:
    await channels.connect(hurt, CONNECT)
    two_iocs[1].stop()
    writing = asyncio.create_task(channels.write(hurt, numbers([9] * 100), 300))
    await asyncio.sleep(0.3)
    begun = time.monotonic()
    two_iocs[1].kill()
    assert set((await writing).tolist()) == {Outcome.DISCONNECTED}
    assert time.monotonic() - begun < 100


async def test_a_busy_record_takes_the_next_value_all_the_same(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str, request: pytest.FixtureRequest
) -> None:
    """The calcout waits before it writes, as a motor does before it stands: its put-callback comes late.

    The bulk engine does not wait for that: it knows that the server has taken the value, and leaves the rest to the
    read-back.
    """
    busy = Outcome.DONE if "bulk" in request.node.name else Outcome.PENDING
    pv, copy, free = f"{pv_prefix}BUSY", f"{pv_prefix}COPY", f"{pv_prefix}FREE"
    start_ioc(
        f'record(calcout, "{pv}") {{ field(CALC, "A") field(ODLY, "8") field(OUT, "{copy} PP") }}\n'
        f'record(longout, "{copy}") {{}}\nrecord(longout, "{free}") {{}}\n'
    )
    pvs = [f"{pv}.A", free]
    await channels.connect([*pvs, copy], CONNECT)
    builder = ReadingsBuilder(2)
    builder.add(0, DbrType.DOUBLE, 3.0)
    builder.add(1, DbrType.LONG, 3)
    assert (await channels.write(pvs, builder.build(), PATIENCE)).tolist() == [busy, Outcome.DONE]
    builder = ReadingsBuilder(1)
    builder.add(0, DbrType.DOUBLE, 4.0)
    assert (await channels.write(pvs[:1], builder.build(), TIMEOUT)).tolist() == [busy]
    assert (await channels.read(pvs, TIMEOUT)).value(0) == 4.0
    async with asyncio.timeout(CONNECT):
        while (await channels.read([copy], TIMEOUT)).value(0) != 4:
            await asyncio.sleep(0.05)


async def test_a_pv_that_was_never_asked_for_before_is_missing_at_once_and_found_later(
    channels: CaChannels, two_iocs: tuple[SoftIoc, SoftIoc], living: list[str]
) -> None:
    # An IOC on this machine may be found while the last of the channels are made.
    assert Reason.NEVER_CONNECTED in reasons(await channels.read(living, 300))
    await becomes(channels, living[-1], Reason.OK)
    assert reasons(await channels.read(living, TIMEOUT)) == {Reason.OK}


async def test_progress_is_told_in_the_main_thread_now_and_then(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str
) -> None:
    many = names(pv_prefix, 5000)
    start_ioc(records(pv_prefix, 5000))
    await channels.connect(many, CONNECT)
    told: list[tuple[float, int, str]] = []

    def note(done: int) -> None:
        told.append((time.monotonic(), done, threading.current_thread().name))

    begun = time.monotonic()
    await channels.read(many, TIMEOUT, note)
    await channels.write(many, numbers(range(5000)), TIMEOUT, note)
    assert len(told) <= 4 + 10 * (time.monotonic() - begun)
    assert {thread for _, _, thread in told} == {"MainThread"}
    assert [done for _, done, _ in told].count(5000) == 2
