"""IOCs that hang, die or change while the bulk engine reads or writes, as often as SNAPIOC_FAULT_ROUNDS says."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator

import numpy as np
import pytest

from snapioc.channels import CaChannels
from snapioc.channels.bulk import BulkEngine
from snapioc.model import DbrType, Outcome, Readings, ReadingsBuilder, Reason
from tests.helpers.iocs import SoftIoc
from tests.system.channels.conftest import CONNECT, TIMEOUT, StartIoc

ROUNDS = int(os.environ.get("SNAPIOC_FAULT_ROUNDS", "1"))
SAVES = int(os.environ.get("SNAPIOC_FAULT_SAVES", "6"))
PVS = int(os.environ.get("SNAPIOC_FAULT_PVS", "4000"))
"""Pull them up to 50, 60 and 40000 for what is promised."""

QUIET = 0.2
ROUND = pytest.mark.parametrize("number", range(ROUNDS))
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def channels() -> AsyncIterator[CaChannels]:
    """A started CA client with the bulk engine; the test fails if it does not end cleanly."""
    channels = CaChannels(BulkEngine())
    channels.start()
    yield channels
    assert await channels.close(30)


def records(prefix: str, count: int, elements: int = 7) -> str:
    """Numbers, texts, states and arrays."""
    lines = []
    for n in range(count):
        lines.append(
            (
                f'record(ao, "{prefix}{n}") {{ field(VAL, "{n}") field(PINI, "YES") }}\n',
                f'record(longout, "{prefix}{n}") {{ field(VAL, "{n}") field(PINI, "YES") }}\n',
                f'record(stringout, "{prefix}{n}") {{ field(VAL, "{n}") field(PINI, "YES") }}\n',
                f'record(mbbo, "{prefix}{n}") {{ field(ZRST, "a") field(ONST, "b") field(VAL, "1") field(PINI, "YES") }}\n',
                f'record(waveform, "{prefix}{n}") {{ field(FTVL, "LONG") field(NELM, "{elements}") }}\n',
            )[n % 5]
        )
    return "".join(lines)


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(count)]


def reasons(readings: Readings) -> set[Reason]:
    return {Reason(reason) for reason in readings.reason}


def right(readings: Readings) -> bool:
    """Whether what was read is what `records` made."""
    values = {0: float, 1: int, 2: lambda n: str(n).encode(), 3: lambda _: 1}
    rows = (row for row in np.flatnonzero(readings.ok).tolist() if row % 5 in values)
    return all(readings.value(row) == values[row % 5](row) for row in rows)


async def whole(channels: CaChannels, pvs: list[str]) -> Readings:
    """Read until everything is there."""
    async with asyncio.timeout(CONNECT):
        while reasons(readings := await channels.read(pvs, TIMEOUT)) != {Reason.OK}:
            await asyncio.sleep(0.1)
    return readings


@ROUND
async def test_stopped_before_the_read_and_read_again_and_again(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str, number: int
) -> None:
    many, others = names(f"{pv_prefix}A", PVS), names(f"{pv_prefix}B", 100)
    ioc, _ = start_ioc(records(f"{pv_prefix}A", PVS)), start_ioc(records(f"{pv_prefix}B", 100))
    await channels.connect(many + others, CONNECT)
    ioc.stop()
    for _ in range(SAVES):
        hung, free = await asyncio.gather(channels.read(many, QUIET), channels.read(others, 300))
        assert reasons(hung) <= {Reason.NO_ANSWER, Reason.DISCONNECTED, Reason.HUNG}
        assert reasons(free) == {Reason.OK}
        assert right(free)
    ioc.cont()
    assert right(await whole(channels, many))


@ROUND
@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_stopped_or_killed_during_the_read(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str, number: int, end: str
) -> None:
    many = names(pv_prefix, PVS)
    ioc = start_ioc(records(pv_prefix, PVS))
    await channels.connect(many, CONNECT)
    assert right(await whole(channels, many))
    reading = asyncio.create_task(channels.read(many, QUIET))
    await asyncio.sleep(secrets.randbelow(20) / 1000)
    getattr(ioc, end)()
    readings = await reading
    assert reasons(readings) <= {Reason.OK, Reason.NO_ANSWER, Reason.DISCONNECTED}
    assert right(readings)
    if end == "stop":
        ioc.cont()
    else:
        ioc.start()
    assert right(await whole(channels, many))


@ROUND
async def test_restarted_with_other_types_and_lengths(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str, number: int
) -> None:
    pvs = names(pv_prefix, 100)
    ioc = start_ioc(records(pv_prefix, 100, 3))
    await channels.connect(pvs, CONNECT)
    before = await whole(channels, pvs)
    assert before.reading(4).metadata.element_count == 3
    ioc.kill()
    while reasons(await channels.read(pvs, QUIET)) == {Reason.OK}:
        await asyncio.sleep(0.05)
    ioc.restart(_shifted(pv_prefix, 100))
    await channels.connect(pvs, CONNECT)
    after = await whole(channels, pvs)
    assert after.dbr_type.tolist() == np.roll(before.dbr_type, -1).tolist()
    builder = ReadingsBuilder(20)
    for row in range(20):
        builder.add(row, DbrType.LONG, np.arange(2000))
    arrays = pvs[3::5]
    assert set((await channels.write(arrays, builder.build(), TIMEOUT)).tolist()) == {Outcome.DONE}
    back = await channels.read(arrays, TIMEOUT)
    assert back.count.tolist() == [2000] * 20
    assert back.same_values(builder.build()).all()


def _shifted(prefix: str, count: int) -> str:
    """The records of `records`, each under the name of the one before it, with longer arrays."""
    lines = records(prefix, count + 1, 2000).splitlines(keepends=True)[1:]
    return "".join(line.replace(f'"{prefix}{n + 1}"', f'"{prefix}{n}"') for n, line in enumerate(lines))


@ROUND
async def test_a_write_of_large_waveforms_to_a_stopped_ioc(
    channels: CaChannels, start_ioc: StartIoc, pv_prefix: str, number: int
) -> None:
    def waveforms(prefix: str, elements: int, count: int) -> str:
        kind = f'{{ field(FTVL, "DOUBLE") field(NELM, "{elements}") }}\n'
        return "".join(f'record(waveform, "{prefix}{n}") {kind}' for n in range(count))

    # Some fit many at a time into what libca sends without blocking, some not at all.
    ioc = start_ioc(
        waveforms(f"{pv_prefix}S", 2000, 100) + waveforms(f"{pv_prefix}L", 60_000, 4), EPICS_CA_MAX_ARRAY_BYTES="1000000"
    )
    other: SoftIoc = start_ioc(records(f"{pv_prefix}B", 5))
    assert other.port != ioc.port
    large, others = names(f"{pv_prefix}S", 100) + names(f"{pv_prefix}L", 4), names(f"{pv_prefix}B", 5)
    await channels.connect(large + others, CONNECT)
    builder = ReadingsBuilder(104)
    for row in range(104):
        builder.add(row, DbrType.DOUBLE, np.arange(2000 if row < 100 else 60_000) + float(row))
    values = builder.build()
    assert set((await channels.write(large, values, TIMEOUT)).tolist()) == {Outcome.DONE}
    assert (await whole(channels, large)).same_values(values).all()
    ioc.stop()
    for _ in range(SAVES):
        outcomes, hung, free = await asyncio.gather(
            channels.write(large, values, QUIET), channels.read(large, QUIET), channels.read(others, 300)
        )
        assert set(outcomes.tolist()) <= {Outcome.PENDING, Outcome.UNSENDABLE, Outcome.DISCONNECTED}
        assert reasons(hung) <= {Reason.NO_ANSWER, Reason.DISCONNECTED, Reason.HUNG}
        assert reasons(free) == {Reason.OK}
    ioc.cont()
    await whole(channels, large)
    assert set((await channels.write(large, values, TIMEOUT)).tolist()) == {Outcome.DONE}
    assert (await whole(channels, large)).same_values(values).all()
