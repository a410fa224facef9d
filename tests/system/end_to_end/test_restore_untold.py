"""What records do besides what a restore told them to, and what becomes of a restore that takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aioca
import pytest

from .restoring import Site, until
from .test_commands import PUTFAIL
from .test_restore_steps import plain, slow, status_is

pytestmark = pytest.mark.usefixtures("ca")

DRAGS = """
record(ao, "$(P)A") { field(VAL, "1") field(PINI, "YES") field(FLNK, "$(P)C") }
record(calcout, "$(P)C") { field(INPA, "$(P)A") field(CALC, "A*10") field(OUT, "$(P)B PP") field(OOPT, "On Change") }
record(ao, "$(P)B") { field(VAL, "10") field(UDF, "0") }
"""

REFUSES = 'record(ao, "$(P)X") { field(VAL, "1") field(OUT, "NOBODY:HAS:THIS CA") field(UDF, "0") }\n'

IDLE = """
record(ao, "$(P)X") { field(VAL, "5") field(PINI, "YES") field(HIHI, "100") field(HHSV, "INVALID")
    field(IVOA, "Don't drive outputs") field(OUT, "$(P)DEVICE PP") }
record(ao, "$(P)Y") { field(VAL, "5") field(PINI, "YES") field(DISV, "1") }
record(ao, "$(P)DEVICE") { }
"""


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


async def test_a_record_that_another_one_moves(site: Site) -> None:
    desk = site.snapioc(["A", "B"], site.ioc(DRAGS))
    await desk.set(A=1.0)
    await desk.set(B=77.0)
    await desk.save()
    await desk.set(A=2.0)
    await desk.set(B=77.0)
    assert await desk.put("RESTORE_ID", 1001) == PUTFAIL
    assert (await desk.result(), await desk.failures()) == (
        "Partial",
        {"B": "held its value before, and now reads 10.0 instead of 77.0"},
    )
    # Taking A back moves B again, but both are written, and B after A.
    assert await desk.put("UNDO", 1) == 1
    assert desk.machine() == {"A": 2.0, "B": 77.0}


async def test_a_put_that_is_refused_after_the_record_took_it_can_be_taken_back(site: Site) -> None:
    desk = site.snapioc(["X,write"], site.ioc(REFUSES), columns="pv,invalid")
    await desk.put("TRIGGER", 1)
    await aioca.caput(f"{site.machine}X", 2.0)
    assert await desk.put("RESTORE_ID", 1001) == PUTFAIL
    assert desk.machine() == {"X": 1.0}
    assert "1 PV of A" in await desk.text("UNDO_TEXT")
    await desk.put("UNDO", 1)
    assert desk.machine() == {"X": 2.0}


async def test_records_that_do_nothing_with_their_value(site: Site) -> None:
    desk = site.snapioc(["X", "Y"], site.ioc(IDLE))
    await desk.save()
    await desk.set(X=2.0, Y=2.0, X__HIHI=4.0, Y__DISA=1)
    assert await desk.put("RESTORE_ID", 1001) == PUTFAIL
    nothing = "holds its value, but may have done nothing with it: its alarm is"
    assert await desk.failures() == {"X": f"{nothing} INVALID HIHI", "Y": f"{nothing} NO_ALARM DISABLE"}
    assert desk.machine() == {"X": 5.0, "Y": 5.0}


async def test_a_ramp_that_is_late_begins_where_the_operator_left_it(site: Site) -> None:
    rows = ["SLOW,yes,1,", "X,,2,100"]
    desk = site.snapioc(rows, site.ioc(slow("SLOW", 4) + plain("X")), columns="pv,wait,order,ramp")
    await desk.set(SLOW=5.0, X=100.0)
    await desk.save()
    await desk.set(SLOW=1.0, X=50.0)
    seen: list[float] = []
    monitor = aioca.camonitor(f"{site.machine}X", lambda value: seen.append(float(value)), all_updates=True)
    restore = asyncio.create_task(desk.put("RESTORE_ID", 1001))
    await until(lambda: status_is(desk, "Waiting"))
    await desk.set(X=98.0)
    assert await restore == 1
    monitor.close()
    assert seen[:2] == [50.0, 98.0]
    assert (min(seen[2:]), seen[-1]) == (100.0, 100.0)  # two units at 100/s are one step
    said = (await desk.record())["outcomes"]["X"]
    assert said == ("RESTORED", "read 98.0 just before it was written, and 50.0 at the check")


async def test_nothing_more_is_written_once_restores_are_disabled(site: Site) -> None:
    desk = site.snapioc(["SLOW,yes,1", "X,,2"], site.ioc(slow("SLOW", 4) + plain("X")), columns="pv,wait,order")
    await desk.set(SLOW=5.0, X=100.0)
    await desk.save()
    await desk.set(SLOW=1.0, X=50.0)
    restore = asyncio.create_task(desk.put("RESTORE_ID", 1001))
    await until(lambda: status_is(desk, "Waiting"))
    assert await aioca.caput(f"{site.prefix}RESTORE_ENABLE", 0, wait=True)
    assert await restore == PUTFAIL
    assert "stopped: restores are disabled" in await desk.text("MESSAGE")
    assert desk.machine() == {"SLOW": 5.0, "X": 50.0}


async def test_what_an_aborted_restore_never_wrote_is_left_alone_by_undo(site: Site) -> None:
    desk = site.snapioc(["SLOW,yes,1", "X,,2"], site.ioc(slow("SLOW", 4) + plain("X")), columns="pv,wait,order")
    await desk.set(SLOW=5.0, X=100.0)
    await desk.save()
    await desk.set(SLOW=1.0, X=50.0)
    restore = asyncio.create_task(desk.put("RESTORE_ID", 1001))
    await until(lambda: status_is(desk, "Waiting"))
    assert await desk.put("ABORT", 1) == 1
    assert await restore == PUTFAIL
    await desk.set(X=70.0)
    assert await desk.put("UNDO", 1) == 1
    assert desk.machine() == {"SLOW": 1.0, "X": 70.0}
