"""Window and back snapshots of an IOC that counts at 100 Hz: no event lost, none misplaced.

A client writes 1, 2, 3, ... to one record, whose processing passes the number and its time stamp on to 100 others. So all
records have the same stamp at the same number: each value must be what its stamp implies, down to the nanosecond.

On a machine that is short of processors the C server itself leaves out events, of which each subscription may keep four.
So gaps are counted, and one window of several must have none; what is there must be right always.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aioca
import numpy as np
import psutil
import pytest

from snapioc.model import Events, Flag, Readings, Snapshot
from tests.helpers import ticker
from tests.helpers.clients import client_environment
from tests.helpers.iocs import SoftIoc

from .repeating import automatic, configure, counts, stored, until_missed, until_taken
from .restoring import Desk, Site, until

pytestmark = pytest.mark.usefixtures("ca")

RECORDS, RATE, EVERY = 100, 100, 20

ATTEMPTS = 6


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


def counting() -> str:
    """M is written to; T rises at every so many, before C0 to C99 follow, and then a record with a text."""
    stamp = 'field(INPA, "$(P)M") field(TSEL, "$(P)M.TIME")'
    database = 'record(longout, "$(P)M") { field(FLNK, "$(P)T") }\n'
    database += f'record(calc, "$(P)T") {{ field(CALC, "A%{EVERY}=0") {stamp} field(FLNK, "$(P)C0") }}\n'
    for number in range(RECORDS):
        database += f'record(calc, "$(P)C{number}") {{ field(CALC, "A") {stamp} field(FLNK, "$(P)C{number + 1}") }}\n'
    database += f'record(stringin, "$(P)C{RECORDS}") {{ field(INP, "$(P)M") field(TSEL, "$(P)M.TIME") }}\n'
    return database + 'record(ao, "$(P)QUIET") { field(VAL, "42") field(PINI, "YES") }\n'


@contextmanager
def ticking(ioc: SoftIoc, name: str) -> Iterator[None]:
    assert ticker.__file__
    command = [sys.executable, ticker.__file__, name, str(RATE)]
    process = subprocess.Popen(command, env=client_environment([ioc.address]))
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main_thread(desk: Desk) -> float:
    """The processor time, in seconds, that the event loop of snapioc has had."""
    assert desk.process.process
    process = psutil.Process(desk.process.process.pid)
    return sum(thread.user_time + thread.system_time for thread in process.threads() if thread.id == process.pid)


def stamps(readings: Readings) -> np.ndarray:
    return (readings.seconds.astype(np.int64) * 10**9) + readings.nanoseconds


class Clock:
    """Which number belongs to which time stamp, as far as it was seen so far."""

    def __init__(self) -> None:
        self._numbers: dict[int, float] = {}

    def check(self, readings: Readings, rows: range) -> None:
        """Each value is what its stamp implies: of all records, in all snapshots."""
        for row, stamp in zip(rows, stamps(readings).tolist(), strict=True):
            value = float(readings.value(row))  # type: ignore[arg-type]
            assert self._numbers.setdefault(stamp, value) == value
        pairs = sorted(self._numbers.items())
        assert [value for _, value in pairs] == sorted(value for _, value in pairs)


def gaps(events: Events) -> int:
    """How many numbers are missing between the first and the last of each record; the order must be right."""
    missing = 0
    for row in range(RECORDS + 1):
        places = np.flatnonzero(events.rows == row)
        numbers = [float(events.readings.value(place)) for place in places.tolist()]  # type: ignore[arg-type]
        steps = np.diff(numbers)
        assert (steps > 0).all(), "an event is out of order, or twice"
        missing += int((steps - 1).sum())
    return missing


def check_window(snapshot: Snapshot, events: Events, clock: Clock) -> tuple[int, int]:
    """How many events, and how many gaps; what is there is right."""
    assert events.readings.ok.all()
    clock.check(events.readings, range(len(events)))
    # The rows of the snapshot are the last events, and of the silent PV what was read.
    for row in range(RECORDS + 1):
        last = int(np.flatnonzero(events.rows == row)[-1])
        assert snapshot.readings.value(row) == events.readings.value(last)
        assert stamps(snapshot.readings)[row] == stamps(events.readings)[last]
    assert snapshot.readings.value(RECORDS + 1) == 42.0
    assert RECORDS + 1 not in events.rows
    return len(events), gaps(events)


MEMBERS = [*(f"C{number}" for number in range(RECORDS + 1)), "QUIET"]


async def test_windows_hold_every_event(site: Site) -> None:
    ioc = site.ioc(counting())
    desk = site.snapioc(MEMBERS, ioc)
    await desk.until_connected()
    await configure(desk, WINDOW=1000, SUB_PUSH=100, ARM=1)
    clock, found = Clock(), []
    with ticking(ioc, f"{site.machine}M"):
        await asyncio.sleep(1)
        while len(found) < 2 or (found[-1][1] and len(found) < ATTEMPTS):
            assert await desk.put("TRIGGER", 1) == 1
            ((snapshot, events),) = await stored(desk, int(await desk.get("LAST_ID")))
            assert events is not None
            found.append(check_window(snapshot, events, clock))
            assert await desk.get("WIN_EVENTS") == len(events)
            assert await desk.get("WIN_PVS") == RECORDS + 1
        # Partial results come while the window is open, and ABORT ends it.
        put = asyncio.create_task(desk.put("TRIGGER", 1))
        await until(lambda: is_running(desk))
        await desk.put("ABORT", 1)
        assert await put != 1
        assert await desk.result() == "Aborted"
        # Automatic ones are windows too.
        await configure(desk, PERIOD=1.5)
        await until_taken(desk, 1)
    (header,) = (await automatic(desk))[:1]
    ((snapshot, events),) = await stored(desk, header.id)
    assert events is not None
    found.append(check_window(snapshot, events, clock))
    print(f"\nwindows of 1 s at {RATE} Hz, (events, missing): {found}")
    assert any(missing == 0 for _, missing in found)
    await configure(desk, WINDOW=0)
    await desk.save()
    ((_, none),) = await stored(desk, int(await desk.get("LAST_ID")))
    assert none is None


async def is_running(desk: Desk) -> bool:
    return 10 < await desk.get("PROGRESS") < 80 and "C" in await desk.text("WIN_TEXT")


async def test_back_is_the_state_at_the_event(site: Site) -> None:
    ioc = site.ioc(counting())
    desk = site.snapioc(MEMBERS, ioc)
    await desk.until_connected()
    await configure(desk, BACK=2000, TRIG_PV=f"{site.machine}T", TRIG_ON="rise", ARM=1)
    with ticking(ioc, f"{site.machine}M"):
        await until_taken(desk, 2)
        begun, before = time.monotonic(), main_thread(desk)
        await until_taken(desk, 12)
        share = (main_thread(desk) - before) / (time.monotonic() - begun)
    await desk.put("ARM", 0)
    print(f"\nthe main loop took {share:.1%} of a core for {RECORDS * RATE} events/s and 5 snapshots/s")
    clock, exact = Clock(), 0
    headers = await automatic(desk)
    for snapshot, _ in await stored(desk, *[header.id for header in headers]):
        readings = snapshot.readings.select(range(RECORDS + 1))
        assert readings.ok.all()
        clock.check(readings, range(RECORDS + 1))
        numbers = np.array([float(readings.value(row)) for row in range(RECORDS + 1)])  # type: ignore[arg-type]
        at = numbers.max()
        assert at % EVERY == 0
        exact += bool((numbers == at).all())
    print(f"\n{exact} of {len(headers)} back snapshots are the same number in all records; missed {(await counts(desk))[1]}")
    assert exact > len(headers) / 2
    assert len(headers) >= 12


async def test_a_trigger_without_a_time_stamp_is_missed(site: Site) -> None:
    ioc = site.ioc(counting() + 'record(ao, "$(P)NEVER") { field(TSE, "-2") }\n')
    desk = site.snapioc(MEMBERS, ioc)
    await desk.until_connected()
    await configure(desk, BACK=1000, TRIG_PV=f"{site.machine}NEVER", ARM=1)
    await until(lambda: is_connected(desk))
    await desk.set(NEVER=1)
    await until_missed(desk, 1)
    assert "has no time stamp" in await desk.text("AUTO_MESSAGE")


async def test_a_long_text_that_changes_in_a_window_is_stored_whole(site: Site) -> None:
    ioc = site.ioc('record(lso, "$(P)TEXT") { field(SIZV, "100") }\nrecord(ao, "$(P)X") {}\n')
    desk = site.snapioc(["TEXT", "X"], ioc)
    await desk.until_connected()
    await configure(desk, WINDOW=1500, SUB_PUSH=100, ARM=1)
    put = asyncio.create_task(desk.put("TRIGGER", 1))
    await until(lambda: is_saving(desk))
    text = "a text that is longer than a DBR_STRING can be, which is 39 bytes"
    await aioca.caput(f"{site.machine}TEXT.VAL$", text, datatype=aioca.DBR_CHAR_STR, wait=True)
    assert await put == 1
    ((snapshot, events),) = await stored(desk, int(await desk.get("LAST_ID")))
    assert events is not None
    assert events.rows.tolist() == [0]
    assert snapshot.readings.value(0) == text.encode()
    assert not snapshot.readings.flags[0] & Flag.CUT


async def is_saving(desk: Desk) -> bool:
    return bool(await desk.get("STATUS") == 1 and await desk.get("PROGRESS") > 5)


async def is_connected(desk: Desk) -> bool:
    return "not connected" not in (why := await desk.text("ARMED_WHY")) and "arming" not in why
