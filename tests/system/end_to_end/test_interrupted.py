"""A restore that the death of the IOC interrupts: the next start tells what became of each PV, and UNDO takes it back."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aioca
import numpy as np
import pytest

from snapioc.model import (
    DbrType,
    Member,
    Metadata,
    NewRestore,
    NewSnapshot,
    Origin,
    PvSet,
    Readings,
    ReadingsBuilder,
    RestoreRecord,
)
from snapioc.store import SqlStore
from tests.helpers.clients import Pyepics
from tests.helpers.iocs import SoftIoc
from tests.helpers.snapioc_process import SnapiocProcess

from .conftest import Start
from .test_commands import PUTFAIL, database, names, put, text, until

pytestmark = pytest.mark.usefixtures("ca")

ROUNDS = int(os.environ.get("SNAPIOC_KILL_ROUNDS", "4"))
"""100 are the promise: `SNAPIOC_KILL_ROUNDS=100` proves it."""

PVS = 400

RATE = 800.0
"""PVs per second that a restore writes, so that it takes half a second."""

STARTING, INTERRUPTED, MAJOR = 10, 5, 2

RECORDS = """
record(ao, "{p}AO") {{ field(VAL, "2") field(PINI, "YES") }}
record(ao, "{p}NEAR") {{ field(VAL, "2.05") field(PINI, "YES") }}
record(longout, "{p}LONG") {{ field(VAL, "10") field(PINI, "YES") }}
record(mbbo, "{p}MODE") {{ field(ZRST, "Off") field(ONST, "On") field(TWST, "Auto") field(VAL, "2") field(PINI, "YES") }}
record(stringout, "{p}TEXT") {{ field(VAL, "new") field(PINI, "YES") }}
record(waveform, "{p}WAVE") {{ field(FTVL, "SHORT") field(NELM, "4") }}
record(ao, "{p}LEFT") {{ field(VAL, "77") field(PINI, "YES") }}
"""

MODES = Metadata(labels=("Auto", "Off", "On"))
"""The states in the order that they had when the snapshot was taken."""

PLANNED: dict[str, tuple[DbrType, Any, Any, str]] = {
    "AO": (DbrType.DOUBLE, 2.0, 1.0, "RESTORED"),
    "NEAR": (DbrType.DOUBLE, 3.0, 2.0, "PREVIOUS"),
    "LONG": (DbrType.LONG, 10, 11, "RESTORED"),
    "MODE": (DbrType.ENUM, 0, 1, "RESTORED"),
    "TEXT": (DbrType.STRING, b"newer", b"old", "SOMETHING_ELSE"),
    "WAVE": (DbrType.SHORT, np.array([1, 2, 3], "<i2"), np.array([3, 2], "<i2"), "PREVIOUS"),
    "GONE": (DbrType.DOUBLE, 1.0, 2.0, "UNREACHABLE"),
}
"""Per planned PV the wanted value, the one before, and the class that the records above deserve; LEFT is not planned."""


def mixed_set(prefix: str) -> PvSet:
    tolerance = {"NEAR": 0.1}
    return PvSet("A", tuple(Member(prefix + pv, abs_tol=tolerance.get(pv, 0.0)) for pv in [*PLANNED, "LEFT"]))


def mixed(side: int) -> Readings:
    builder = ReadingsBuilder(len(PLANNED) + 1)
    for row, (dbr_type, *values, _) in enumerate(PLANNED.values()):
        builder.add(row, dbr_type, values[side], metadata=MODES if dbr_type is DbrType.ENUM else None)
    if side == 0:
        builder.add(len(PLANNED), DbrType.DOUBLE, 5.0)
    return builder.build()


async def begin_restore(path: Path, pv_set: PvSet, wanted: Readings, before: Readings | None) -> RestoreRecord:
    """Leave a record in the store as a restore does that is killed while it writes; its group is that of the set."""
    store = SqlStore(f"sqlite:///{path}")
    await store.open(migrate=True)
    try:
        saved = await store.save(NewSnapshot(pv_set, wanted))
        new = NewRestore(saved.id, pv_set.name, Origin("ann", "desk", pv_set.name))
        return await store.begin_restore(new, pv_set, NewSnapshot(pv_set, before) if before else None)
    finally:
        await store.close()


def restore_log(ioc: SnapiocProcess, number: int) -> dict[str, Any]:
    """What `snapioc restore-log` says."""
    command = [sys.executable, "-m", "snapioc", "restore-log", str(number), "--json", "--config", str(ioc.config)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    known: dict[str, Any] = json.loads(ran.stdout)
    return known


def verdicts(log: dict[str, Any]) -> dict[str, str]:
    return {outcome["pv"]: outcome["verdict"] for outcome in log["outcomes"]}


async def recovered(prefix: str) -> bool:
    """Whether the group A accepts restores."""
    # After a restart libca finds the IOC again in its own time.
    return bool(await aioca.caget(f"{prefix}A:STATUS", timeout=60) != STARTING)


async def alarm(name: str) -> tuple[int, int]:
    """A PV's value and severity."""
    # After a restart libca may take a while to look for a server again.
    state = await aioca.caget(name, format=aioca.FORMAT_TIME, timeout=60)
    return int(state), int(state.severity)


async def test_each_pv_is_classed_as_another_client_reads_it(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str, tmp_path: Path
) -> None:
    prefix = "M:" + pv_prefix
    pv_set = mixed_set(prefix)
    machine = start_ioc(RECORDS.format(p=prefix))
    await aioca.caput(prefix + "WAVE", np.array([3, 2], "<i2"), wait=True)
    record = await begin_restore(tmp_path / "snapshots.db", pv_set, mixed(0), mixed(1))
    settings = "[channels]\nconnect_timeout = 1.0"
    ioc = start_snapioc({"A": list(pv_set.pvs)}, machine.address, settings=settings)
    await until(lambda: recovered(pv_prefix))
    log = restore_log(ioc, record.id)
    assert verdicts(log) == {prefix + pv: expected for pv, (*_, expected) in PLANNED.items()}
    with Pyepics([machine.address]) as other:
        read = {pv: other.get(prefix + pv) for pv in PLANNED if pv != "GONE"}
        assert read == {"AO": 2.0, "NEAR": 2.05, "LONG": 10, "MODE": 2, "TEXT": "new", "WAVE": [3, 2]}
    # NEAR may have been written, as far as its tolerance can tell; MODE is where its label is now.
    assert (log["result"], log["written"]) == ("interrupted", 6)
    message = (
        f"Restore of 1001 was interrupted after 5 of 7 PVs: 3 restored, 2 still hold what they held before,"
        f" 1 holds something else, 1 could not be read; the values before it are in {record.undo_id}: UNDO takes it back"
    )
    assert log["message"] == message
    for group, asked in (("A:", 1001), ("", 0)):
        shown = group == "A:"
        assert await alarm(f"{pv_prefix}{group}RESULT") == ((INTERRUPTED, MAJOR) if shown else (0, 0))
        assert await aioca.caget(f"{pv_prefix}{group}RESTORE_ID") == asked
        assert await text(f"{pv_prefix}{group}MESSAGE") == (message if shown else "")
    assert await text(f"{pv_prefix}A:FAILURES") == (
        f'{prefix}TEXT\treads "new"; the snapshot holds "newer", before the restore it was "old"\n'
        f"{prefix}GONE\tnever connected"
    )
    counts = await aioca.caget([f"{pv_prefix}A:{name}" for name in ("N_TOTAL", "N_DONE", "N_FAILED", "OPS")])
    assert counts == [7, 3, 2, 0]


async def test_clients_are_answered_and_restores_refused_while_pvs_are_read(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str, tmp_path: Path
) -> None:
    prefix = "M:" + pv_prefix
    machine = start_ioc(RECORDS.format(p=prefix))
    record = await begin_restore(tmp_path / "snapshots.db", mixed_set(prefix), mixed(0), mixed(1))
    # GONE is waited for, once more when the IOC serves.
    settings = "[channels]\nconnect_timeout = 20.0"
    ioc = start_snapioc({"A": [prefix + "AO"]}, machine.address, settings=settings, list_pvs=True)
    assert await aioca.caget(f"{pv_prefix}A:STATUS") == STARTING
    assert await put(f"{pv_prefix}RESTORE_ID", 1001) == PUTFAIL
    assert "the IOC is starting" in await text(f"{pv_prefix}REFUSED_WHY")
    assert await put(f"{pv_prefix}A:UNDO", 1) == PUTFAIL
    assert await put(f"{pv_prefix}A:TRIGGER", 1) == 1
    ours = [line for line in ioc.log.read_text().splitlines() if line.startswith(pv_prefix)]
    assert len(ours) > 50
    assert all(answer.ok for answer in await aioca.caget(ours, throw=False))
    assert await aioca.caget(f"{pv_prefix}A:STATUS") == STARTING, "too late to see it"
    await until(lambda: recovered(pv_prefix))
    assert await alarm(f"{pv_prefix}A:RESULT") == (INTERRUPTED, MAJOR)
    assert verdicts(restore_log(ioc, record.id))[prefix + "AO"] == "RESTORED"
    assert await put(f"{pv_prefix}A:RESTORE_ID", await aioca.caget(f"{pv_prefix}A:LAST_ID")) == 1


async def test_a_store_that_is_locked_at_the_start_is_recovered_from_when_it_is_free(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str, tmp_path: Path
) -> None:
    prefix = "M:" + pv_prefix
    machine = start_ioc(RECORDS.format(p=prefix))
    record = await begin_restore(tmp_path / "snapshots.db", mixed_set(prefix), mixed(0), mixed(1))
    other = sqlite3.connect(tmp_path / "snapshots.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ioc = start_snapioc({"A": [prefix + "AO"]}, machine.address, settings="[channels]\nconnect_timeout = 0.5")
    assert await aioca.caget([f"{pv_prefix}STORE_OK", f"{pv_prefix}A:STATUS"]) == [0, STARTING]
    assert await put(f"{pv_prefix}A:RESTORE_ID", 1001) == PUTFAIL
    other.execute("ROLLBACK")
    other.close()
    await until(lambda: recovered(pv_prefix))
    assert await alarm(f"{pv_prefix}A:RESULT") == (INTERRUPTED, MAJOR)
    assert verdicts(restore_log(ioc, record.id))[prefix + "AO"] == "RESTORED"
    ioc.kill()
    await asyncio.to_thread(ioc.start)
    assert await alarm(f"{pv_prefix}A:RESULT") == (0, 0)


async def test_a_damaged_way_back_keeps_nothing_in_starting(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str, tmp_path: Path
) -> None:
    prefix = "M:" + pv_prefix
    machine = start_ioc(RECORDS.format(p=prefix))
    record = await begin_restore(tmp_path / "snapshots.db", mixed_set(prefix), mixed(0), mixed(1))
    database_file = sqlite3.connect(tmp_path / "snapshots.db", isolation_level=None)
    used_by_undo = "SELECT block_id FROM snapshot_block WHERE snapshot_id = ?"
    database_file.execute(f"UPDATE block SET data = x'00' WHERE id IN ({used_by_undo})", [record.undo_id])
    database_file.close()
    ioc = start_snapioc({"A": [prefix + "AO"]}, machine.address, settings="[channels]\nconnect_timeout = 0.5")
    await until(lambda: recovered(pv_prefix))
    assert await alarm(f"{pv_prefix}A:RESULT") == (INTERRUPTED, MAJOR)
    assert "is damaged in the store" in await text(f"{pv_prefix}A:MESSAGE")
    assert restore_log(ioc, record.id)["result"] == "interrupted"
    assert await aioca.caget(f"{pv_prefix}STORE_OK") == 1


class Killed:
    """A machine of many PVs and a snapioc on it that dies again and again while it writes."""

    def __init__(self, prefix: str, ioc: SnapiocProcess, pvs: list[str], other: Pyepics) -> None:
        self.prefix, self.ioc, self.pvs, self.other = prefix, ioc, pvs, other
        self.last = 0
        self.seen: Counter[str] = Counter()

    def reads(self) -> list[float]:
        """The machine as another client reads it."""
        return [self.other.get(pv) for pv in self.pvs]

    async def kill_in(self, command: str, value: int, delay: float) -> None:
        """Kill snapioc this many seconds after the command has begun, start it again, and let it recover."""
        begun: list[int] = []
        monitor = aioca.camonitor(f"{self.prefix}A:STATUS", lambda status: begun.append(int(status)), all_updates=True)
        await aioca.caput(f"{self.prefix}A:{command}", value, wait=False)
        await until(lambda: _any(begun))
        await asyncio.sleep(delay)
        self.ioc.kill()
        monitor.close()
        await asyncio.to_thread(self.ioc.start)
        await until(lambda: recovered(self.prefix))
        used = ("STATUS", "RESULT", "MESSAGE.VAL$", "RESTORE_ID", "UNDO")
        await aioca.connect([f"{self.prefix}A:{name}" for name in used], timeout=60)

    async def check(self, wanted: list[float], before: list[float]) -> None:
        """What is recorded of the last operation agrees with the machine, and UNDO takes it back."""
        now = self.reads()
        record = await asyncio.to_thread(self.last_record)
        if record is None or record["result"] == "success":
            assert now == (wanted if record else before)
            self.seen["ended" if record else "not begun"] += 1
        else:
            assert verdicts(record) == {
                pv: "RESTORED" if is_now == is_wanted else "PREVIOUS" if is_now == was else "SOMETHING_ELSE"
                for pv, is_now, is_wanted, was in zip(self.pvs, now, wanted, before, strict=True)
                if is_wanted != was
            }
            assert (record["result"], record["written"]) == ("interrupted", len(differing(now, before)))
            assert await alarm(f"{self.prefix}A:RESULT") == (INTERRUPTED, MAJOR)
            assert await text(f"{self.prefix}A:MESSAGE") == record["message"]
            self.seen["half way" if now not in (wanted, before) else "at an end"] += 1
        if now != before:
            assert await put(f"{self.prefix}A:UNDO", 1) == 1, await text(f"{self.prefix}A:MESSAGE")
            assert self.reads() == before
        await asyncio.to_thread(self.last_record)

    def last_record(self) -> dict[str, Any] | None:
        """The record of the last operation with its outcomes, None if there is none since the last call."""
        command = [sys.executable, "-m", "snapioc", "restores", "--json", "--config", str(self.ioc.config)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        newest = max((record["id"] for record in json.loads(ran.stdout)), default=0) if ran.returncode == 0 else 0
        known, self.last = self.last, newest
        return restore_log(self.ioc, newest) if newest > known else None


async def _any(seen: list[int]) -> bool:
    return any(seen)


def differing(left: list[float], right: list[float]) -> list[int]:
    return [i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b]


@pytest.fixture
def killed(
    processes: ExitStack,
    start_ioc: Callable[[str], SoftIoc],
    ioc_ports: Iterator[int],
    pv_prefix: str,
    tmp_path: Path,
) -> Killed:
    pvs = names("M:" + pv_prefix, PVS)
    machine = start_ioc(database("M:" + pv_prefix, PVS))
    (tmp_path / "A.req").write_text("\n".join(pvs))
    toml = f'[ioc]\nprefix = "{pv_prefix}"\n[store]\nurl = "sqlite:///snapshots.db"\n'
    toml += f'[[set]]\nname = "A"\nfiles = ["A.req"]\nrate = {RATE}\nbatch = 10\n'
    ioc = processes.enter_context(SnapiocProcess(tmp_path, toml, next(ioc_ports), [machine.address]))
    return Killed(pv_prefix, ioc, pvs, processes.enter_context(Pyepics([machine.address])))


@pytest.mark.timeout(120 + 20 * ROUNDS)
async def test_kill_during_restores_and_undos(killed: Killed) -> None:
    """Every second round kills an UNDO, whose own UNDO puts back what the restore had brought."""
    assert await put(f"{killed.prefix}A:TRIGGER", 1) == 1
    saved = killed.reads()
    for number in range(ROUNDS):
        # Some hold their value already, and are left alone.
        moved = [value if random.random() < 0.1 else random.uniform(-1e3, 1e3) for value in saved]
        await aioca.caput(killed.pvs, moved, wait=True)
        moved = killed.reads()
        delay = random.uniform(0.0, 1.5 * PVS / RATE)
        if number % 2:
            assert await put(f"{killed.prefix}A:RESTORE_ID", 1001) == 1
            await asyncio.to_thread(killed.last_record)
            await killed.kill_in("UNDO", 1, delay)
            await killed.check(moved, saved)
        else:
            await killed.kill_in("RESTORE_ID", 1001, delay)
            await killed.check(saved, moved)
    print(dict(killed.seen))  # noqa: T201 - tells of many rounds how many were killed when
    assert killed.seen["half way"] or ROUNDS < 20, "the moments were not random"
