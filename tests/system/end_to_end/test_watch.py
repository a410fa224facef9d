"""Connections, servers and drift, as clients see them: real IOCs that change, die, hang and come back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aioca
import pytest

from snapioc.model import Origin, StoreError
from snapioc.store import SqlStore
from tests.helpers.clients import Pyepics
from tests.helpers.iocs import SoftIoc

from .conftest import Start
from .test_commands import PUTFAIL, database, names, put, text, until

pytestmark = pytest.mark.usefixtures("ca")

QUICK = "[channels]\nread_timeout = 1.0\nconnect_timeout = 3.0"

NO_ALARM, MINOR, MAJOR, INVALID = range(4)


async def state(name: str) -> tuple[Any, int]:
    """A PV's value and severity."""
    value = await aioca.caget(name, format=aioca.FORMAT_TIME)
    return value, value.severity


async def until_state(name: str, *wanted: Any) -> None:
    """Wait until a PV has this value and severity; a minute at most."""

    async def is_so() -> bool:
        return await state(name) == wanted

    await until(is_so)


async def until_text(name: str, part: str) -> None:
    """Wait until a text PV holds this part; a minute at most."""

    async def is_so() -> bool:
        return part in await text(name)

    await until(is_so)


async def watch(group: str, golden: int, period: float = 0.2) -> None:
    """Compare the machine with this snapshot; it holds what the snapshot holds."""
    assert await put(f"{group}GOLDEN_ID", golden) == 1
    assert await put(f"{group}DRIFT_PERIOD", period) == 1
    await until_state(f"{group}DRIFT", 0, NO_ALARM)


@asynccontextmanager
async def heard(name: str) -> AsyncIterator[list[tuple[int, int]]]:
    """What a monitor hears: values with their severities."""
    seen: list[tuple[int, int]] = []
    monitor = aioca.camonitor(
        name, lambda value: seen.append((int(value), value.severity)), format=aioca.FORMAT_TIME, all_updates=True
    )
    try:
        await until(lambda: _true(bool(seen)))
        yield seen
    finally:
        monitor.close()


async def _true(is_so: bool) -> bool:
    return is_so


async def test_drift_rises_and_falls_and_survives_a_restart(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine, pvs = start_ioc(database("M:" + pv_prefix, 20)), names("M:" + pv_prefix, 20)
    ioc = start_snapioc({"A": pvs, "B": pvs[:5]}, machine.address, settings=QUICK)
    a, b = f"{pv_prefix}A:", f"{pv_prefix}B:"
    assert await state(f"{a}DRIFT") == (-1, INVALID)
    await put(f"{a}TITLE", "after the shutdown")
    assert [await put(f"{group}TRIGGER", 1) for group in (a, b)] == [1, 1]
    await watch(a, 1001)
    assert await put(f"{a}DRIFT_MAX", 2) == 1
    assert await aioca.caget(f"{a}GOLDEN_TITLE") == "after the shutdown"
    assert await aioca.caget(f"{a}GOLDEN_TIME") == await aioca.caget(f"{a}LAST_TIME")
    before = await aioca.caget([f"{a}OPS", f"{a}STATUS", f"{a}LAST_ID"])
    async with heard(f"{a}DRIFT") as seen:
        with Pyepics([machine.address, ioc.address]) as client:
            client.put(pvs[3], 3.5)
            await until_state(f"{a}DRIFT", 1, MINOR)
            assert client.get(f"{a}DRIFTED.VAL$", as_string=True) == f"{pvs[3]}\t3.0\t3.5"
            await aioca.caput(pvs[:5], [100.0] * 5, wait=True)
            await until_state(f"{a}DRIFT", 5, MAJOR)
            lines = client.get(f"{a}DRIFTED.VAL$", as_string=True).splitlines()
        assert lines[0] == f"{pvs[0]}\t0.0\t100.0"
        assert {line.split("\t")[0] for line in lines} == set(pvs[:5])
        assert await text(f"{a}DRIFT_MESSAGE") == "5 of 20 PVs differ from 1001"
        assert await put(f"{a}DRIFT_MAX", 5) == 1
        assert await state(f"{a}DRIFT") == (5, MINOR)
        await aioca.caput(pvs[:5], [0.0, 1.0, 2.0, 3.0, 4.0], wait=True)
        await until_state(f"{a}DRIFT", 0, NO_ALARM)
        assert await text(f"{a}DRIFTED") == ""
    assert (seen[0], seen[-1]) == ((0, NO_ALARM), (0, NO_ALARM))
    assert {(1, MINOR), (5, MAJOR), (5, MINOR)} <= set(seen)
    assert await aioca.caget([f"{a}OPS", f"{a}STATUS", f"{a}LAST_ID"]) == before
    await _the_console_follows_set(pv_prefix)
    await _refusals(a)
    await aioca.caput(pvs[0], 100.0, wait=True)
    ioc.kill()
    ioc.start()
    await until_state(f"{a}DRIFT", 1, MINOR)
    assert await aioca.caget([f"{a}{name}" for name in ("GOLDEN_ID", "DRIFT_PERIOD", "DRIFT_MAX")]) == [1001, 0.2, 5]
    assert await aioca.caget(f"{a}GOLDEN_TITLE") == "after the shutdown"
    assert await aioca.caget([f"{b}GOLDEN_ID", f"{b}DRIFT_PERIOD", f"{b}DRIFT"]) == [0, 0.0, -1]
    ioc.kill()
    store = SqlStore(f"sqlite:///{ioc.folder / 'snapshots.db'}")
    await store.open(migrate=True)
    try:
        with pytest.raises(StoreError, match="golden"):
            await store.delete(1001, Origin())
    finally:
        await store.close()


async def _the_console_follows_set(prefix: str) -> None:
    names = [f"{prefix}{name}" for name in ("GOLDEN_ID", "DRIFT_PERIOD", "DRIFT_MAX")]
    assert await aioca.caget(names) == [1001, 0.2, 5]
    await until_state(f"{prefix}DRIFT", 0, NO_ALARM)
    assert await put(f"{prefix}SET", "B") == 1
    assert await aioca.caget(names) == [0, 0.0, 10]
    assert await state(f"{prefix}DRIFT") == (-1, INVALID)
    assert await put(f"{prefix}GOLDEN_ID", 1001) == PUTFAIL
    assert "snapshot 1001 is of the set A, not of B" in await text(f"{prefix}REFUSED_WHY")
    assert await put(f"{prefix}GOLDEN_ID", 1002) == 1
    assert await aioca.caget([f"{prefix}B:GOLDEN_ID", f"{prefix}A:GOLDEN_ID"]) == [1002, 1001]
    assert await put(f"{prefix}GOLDEN_ID", 0) == 1
    assert await put(f"{prefix}SET", "A") == 1
    assert await aioca.caget(names) == [1001, 0.2, 5]
    assert await aioca.caget(f"{prefix}DRIFT") == 0


async def _refusals(group: str) -> None:
    refused = await aioca.caget(f"{group}REFUSED")
    for name, value, why in (
        ("GOLDEN_ID", 999, "there is no snapshot 999"),
        ("GOLDEN_ID", -1, "there is no snapshot -1"),
        ("DRIFT_PERIOD", 0.05, "too short"),
        ("DRIFT_MAX", -1, "no number of PVs"),
    ):
        assert await put(f"{group}{name}", value) == PUTFAIL
        assert why in await text(f"{group}REFUSED_WHY")
    assert await aioca.caget(f"{group}REFUSED") == refused + 4
    assert await state(f"{group}DRIFT") == (0, NO_ALARM)


async def test_a_restore_meanwhile_and_a_golden_snapshot_that_cannot_be_loaded(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine, pvs = start_ioc(database("M:" + pv_prefix, 10)), names("M:" + pv_prefix, 10)
    ioc = start_snapioc({"A": pvs, "B": pvs[5:]}, machine.address, settings=QUICK)
    a = f"{pv_prefix}A:"
    assert await put(f"{a}TRIGGER", 1) == 1
    await watch(a, 1001)
    await aioca.caput(pvs, [50.0] * 10, wait=True)
    await until_state(f"{a}DRIFT", 10, MINOR)
    assert await put(f"{a}RATE", 4.0) == 1  # so that the restore takes its time
    restore = asyncio.create_task(put(f"{a}RESTORE_ID", 1001))
    await until_state(f"{a}DRIFT", -1, INVALID)
    message = await text(f"{a}DRIFT_MESSAGE")
    assert message == "The drift is not known now: the restore of 1001 by A writes PVs of the set"
    assert await text(f"{a}DRIFTED") == ""
    assert await restore == 1
    await until_state(f"{a}DRIFT", 0, NO_ALARM)
    undo = await aioca.caget(f"{a}UNDO_ID")
    assert await put(f"{a}GOLDEN_ID", undo) == PUTFAIL
    assert "made for UNDO" in await text(f"{a}REFUSED_WHY")
    ioc.kill()
    with sqlite3.connect(ioc.folder / "snapshots.db") as broken:
        broken.execute("UPDATE setting SET value = '4711' WHERE name = 'GOLDEN_ID'")
    broken.close()
    ioc.start()
    await until_text(f"{a}DRIFT_MESSAGE", "the golden snapshot 4711 cannot be loaded: there is no snapshot 4711")
    assert await state(f"{a}DRIFT") == (-1, INVALID)
    assert await put(f"{a}GOLDEN_ID", 1001) == 1
    await until_state(f"{a}DRIFT", 0, NO_ALARM)


async def servers(prefix: str) -> dict[str, list[str]]:
    """The lines of IOCS by port."""
    lines = [line.split("\t") for line in (await text(f"{prefix}IOCS")).splitlines()]
    return {line[0].rpartition(":")[2]: line[1:] for line in lines}


async def first_server(prefix: str) -> str:
    """The port of the server with the worst trouble."""
    return (await text(f"{prefix}IOCS")).split("\t")[0].rpartition(":")[2]


async def counts(prefix: str) -> list[int]:
    return [int(await aioca.caget(f"{prefix}PVS_{name}")) for name in ("TOTAL", "CONNECTED", "DISCONNECTED")]


async def until_counts(prefix: str, *wanted: int) -> None:
    async def is_so() -> bool:
        return tuple(await counts(prefix)) == wanted

    await until(is_so)


async def test_one_of_several_iocs_dies_hangs_and_comes_back(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    iocs = [start_ioc(database(f"M{number}:{pv_prefix}", 10)) for number in range(3)]
    sets = [names(f"M{number}:{pv_prefix}", 10) for number in range(3)]
    everything = [pv for pvs in sets for pv in pvs]
    start_snapioc({"ALL": everything, "ONE": sets[0]}, *(ioc.address for ioc in iocs), settings=QUICK)
    await until_counts(pv_prefix, 30, 30, 0)
    group, one = f"{pv_prefix}ALL:", f"{pv_prefix}ONE:"
    assert [await put(f"{name}TRIGGER", 1) for name in (group, one)] == [1, 1]
    await watch(group, 1001)
    await watch(one, 1002)
    iocs[2].kill()
    await until_counts(pv_prefix, 30, 20, 10)
    assert (await text(f"{pv_prefix}DISCONNECTED")).splitlines() == sets[2]
    await until_state(f"{group}DRIFT", 10, MINOR)
    await until_text(f"{group}DRIFT_MESSAGE", "10 missing: 10 disconnected (live)")
    assert (await text(f"{group}DRIFTED")).splitlines()[0] == f"{sets[2][0]}\t0.0\t[disconnected]"
    await until(lambda: _line_is(pv_prefix, iocs[2], "10", "0"))
    assert await first_server(pv_prefix) == str(iocs[2].port)
    iocs[2].start()
    await until_counts(pv_prefix, 30, 30, 0)
    assert await text(f"{pv_prefix}DISCONNECTED") == ""
    await until_state(f"{group}DRIFT", 0, NO_ALARM)
    await until(lambda: _line_is(pv_prefix, iocs[2], "10", "10"))
    assert await state(f"{pv_prefix}IOCS_HUNG") == (0, NO_ALARM)
    iocs[1].stop()
    await until_state(f"{pv_prefix}IOCS_HUNG", 1, MAJOR)
    assert await first_server(pv_prefix) == str(iocs[1].port)
    lines = await servers(pv_prefix)
    assert [lines[str(ioc.port)][3:] for ioc in iocs] == [[], ["hung"], []]
    await until_state(f"{group}DRIFT", 10, MINOR)
    assert await state(f"{one}DRIFT") == (0, NO_ALARM)
    compared = await aioca.caget(f"{one}DRIFT_TIME")
    await until(lambda: _differs(f"{one}DRIFT_TIME", compared))
    iocs[1].cont()
    await until_state(f"{pv_prefix}IOCS_HUNG", 0, NO_ALARM)
    await until_state(f"{group}DRIFT", 0, NO_ALARM)
    iocs[0].kill()
    await until_state(f"{one}DRIFT", -1, INVALID)
    assert "none of its 10 PVs is there on both sides; 10 missing" in await text(f"{one}DRIFT_MESSAGE")
    await until_state(f"{group}DRIFT", 10, MINOR)


async def _line_is(prefix: str, ioc: SoftIoc, *fields: str) -> bool:
    lines = await servers(prefix)
    return lines.get(str(ioc.port), [])[:2] == list(fields)


async def _differs(name: str, value: Any) -> bool:
    return bool(await aioca.caget(name) != value)
