"""Start, end, restart, and a store that fails: the IOC stays up, says so, and recovers by itself."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import aioca
import pytest

from tests.helpers.iocs import SoftIoc

from .conftest import Start
from .test_commands import PUTFAIL, _busy, database, names, put, text, until

pytestmark = pytest.mark.usefixtures("ca")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str, number: int
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 3))
    ioc = start_snapioc({"A": names("M:" + pv_prefix, 3)}, machine.address)
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    code, seconds = await asyncio.to_thread(ioc.terminate, number)
    assert code == 0, ioc.log.read_text()
    assert seconds < 5
    assert "Traceback" not in ioc.log.read_text()


async def test_a_signal_ends_it_with_an_operation_running_on_a_hung_ioc(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    waveforms = "".join(
        f'record(waveform, "M:{pv_prefix}{i}") {{ field(FTVL, "DOUBLE") field(NELM, "20000") }}\n' for i in range(40)
    )
    machine = start_ioc(waveforms)
    pvs = names("M:" + pv_prefix, 40)
    settings = "[channels]\nread_timeout = 60.0\nwrite_timeout = 60.0"
    ioc = start_snapioc({"A": pvs}, machine.address, settings=settings, EPICS_CA_CONN_TMO="30")
    await aioca.caput(pvs, [[float(i)] * 20000 for i in range(40)], wait=True)
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    machine.stop()
    restore = asyncio.create_task(put(f"{pv_prefix}RESTORE_ID", 1001))
    await until(lambda: _busy(f"{pv_prefix}STATUS"))
    code, seconds = await asyncio.to_thread(ioc.terminate)
    assert (code, seconds < 5) == (0, True), ioc.log.read_text()
    machine.cont()
    assert await restore != 1


async def test_results_survive_a_restart(start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 3))
    ioc = start_snapioc({"A": names("M:" + pv_prefix, 3)}, machine.address)
    await put(f"{pv_prefix}A:TITLE", "before the restart")
    assert await put(f"{pv_prefix}A:TRIGGER", 1) == 1
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    ioc.kill()
    ioc.start()
    await until(lambda: _busy(f"{pv_prefix}A:LAST_ID"))
    assert await aioca.caget([f"{pv_prefix}{name}" for name in ("A:LAST_ID", "LAST_ID", "NEWEST_ID", "OPS")]) == [
        1001,
        1002,
        1002,
        0,
    ]
    assert await aioca.caget(f"{pv_prefix}A:LAST_TITLE") == "before the restart"
    assert await put(f"{pv_prefix}RESTORE_ID", 1001) == 1


async def test_a_locked_store_fails_the_put_and_recovers(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 3))
    ioc = start_snapioc({"A": names("M:" + pv_prefix, 3)}, machine.address)
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    other = sqlite3.connect(ioc.folder / "snapshots.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await put(f"{pv_prefix}TRIGGER", 1) == PUTFAIL
    assert "locked" in await text(f"{pv_prefix}MESSAGE")
    state = await aioca.caget(f"{pv_prefix}STORE_OK", format=aioca.FORMAT_TIME)
    assert (state, state.severity) == (0, 2)
    beat = await aioca.caget(f"{pv_prefix}HEARTBEAT")
    other.execute("ROLLBACK")
    other.close()
    await until(lambda: _is_one(f"{pv_prefix}STORE_OK"))
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    assert await aioca.caget(f"{pv_prefix}LAST_ID") == 1002
    assert await aioca.caget(f"{pv_prefix}HEARTBEAT") > beat


async def _is_one(name: str) -> bool:
    return bool(await aioca.caget(name) == 1)


async def test_a_store_that_is_gone_fails_the_put_and_comes_back(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 3))
    ioc = start_snapioc(
        {"A": names("M:" + pv_prefix, 3)}, machine.address, store="sqlite:///store/snapshots.db", folders=["store"]
    )
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    (ioc.folder / "store").rename(ioc.folder / "away")
    assert await put(f"{pv_prefix}TRIGGER", 1) == PUTFAIL
    assert "removed" in await text(f"{pv_prefix}MESSAGE")
    (ioc.folder / "away").rename(ioc.folder / "store")
    await until(lambda: _is_one(f"{pv_prefix}STORE_OK"))
    assert await put(f"{pv_prefix}RESTORE_ID", 1001) == 1


async def test_it_serves_with_a_broken_store_and_recovers(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str, tmp_path: Path
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 3))
    (tmp_path / "snapshots.db").write_bytes(b"this is no database, whatever its name says" * 100)
    start_snapioc({"A": names("M:" + pv_prefix, 3)}, machine.address)
    assert await aioca.caget(f"{pv_prefix}STORE_OK") == 0
    assert await put(f"{pv_prefix}TRIGGER", 1) == PUTFAIL
    shutil.move(tmp_path / "snapshots.db", tmp_path / "broken.db")
    await until(lambda: _is_one(f"{pv_prefix}STORE_OK"))
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
