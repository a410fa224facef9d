"""Restores broken off by ABORT or by their IOC, CHANGED, and preview: what is written is known and can be undone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aioca
import pytest

from .restoring import Desk, Site, until
from .test_commands import PUTFAIL
from .test_restore_steps import SHORT, below, held, moved, plain, slow, status_is

pytestmark = pytest.mark.usefixtures("ca")


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


async def aborted(desk: Desk, restore: asyncio.Task[int], before: dict[str, Any]) -> dict[str, Any]:
    """Put ABORT; the record of the restore to 5, checked against all."""
    assert await desk.put("ABORT", 1) == 1
    status = await restore
    record = await desk.check(status, before, dict.fromkeys(desk.pvs, 5.0))
    assert (status, record["result"]) == (PUTFAIL, "aborted")
    assert await desk.get("UNDO_ID") == record["undo_id"]
    assert f"{record['written']} PV" in await desk.text("UNDO_TEXT")
    assert await desk.get("PROGRESS") < 100
    return record


def verdicts(record: dict[str, Any]) -> dict[str, str]:
    return {pv: verdict for pv, (verdict, _) in record["outcomes"].items()}


async def test_abort_in_a_wait(site: Site) -> None:
    ioc = site.ioc(slow("X", 5) + plain("Y", "LATER"))
    desk = site.snapioc(["X,yes,600,1", "Y,,,1", "LATER,,,2"], ioc, columns="pv,wait,timeout,order")
    await moved(desk)
    before = desk.machine()
    restore = asyncio.create_task(desk.put("RESTORE_ID", 1001))
    await until(lambda: status_is(desk, "Waiting"))
    record = await aborted(desk, restore, before)
    assert verdicts(record) == {"X": "RESTORED", "Y": "RESTORED", "LATER": "NOT_WRITTEN"}
    assert record["written"] == 2
    assert await desk.put("UNDO", 1) == 1, await desk.text("FAILURES")
    assert desk.machine() == before


async def test_abort_in_a_ramp(site: Site) -> None:
    desk = site.snapioc(["X,1,10", "Y,1,", "LATER,2,"], site.ioc(plain("X", "Y", "LATER")), columns="pv,order,ramp")
    await moved(desk, 1005.0)
    before = desk.machine()
    restore = asyncio.create_task(desk.put("RESTORE_ID", 1001))
    await until(lambda: below(desk, "X", 1004.0))
    record = await aborted(desk, restore, before)
    assert verdicts(record) == {"X": "DIFFERENT", "Y": "RESTORED", "LATER": "NOT_WRITTEN"}
    left = desk.machine(["X"])
    assert 5.0 < left["X"] <= 1004.0
    assert f"reads {left['X']} instead of 5.0" in record["outcomes"]["X"][1]
    await asyncio.sleep(0.5)
    assert desk.machine(["X"]) == left
    assert await desk.put("UNDO", 1) == 1, await desk.text("FAILURES")
    assert desk.machine() == before
    # The redo goes back to where the ramp was broken off.
    assert await desk.put("UNDO", 1) == 1, await desk.text("FAILURES")
    assert desk.machine() == {"Y": 5.0, "LATER": 1005.0} | left


async def test_abort_between_batches(site: Site) -> None:
    names = [f"X{i}" for i in range(100)]
    desk = site.snapioc(names, site.ioc(plain(*names)), of_set="rate = 5.0\nbatch = 2")
    await moved(desk)
    before = desk.machine()
    restore = asyncio.create_task(desk.put("RESTORE_ID", 1001))
    await until(lambda: held(desk, X5=5.0))
    record = await aborted(desk, restore, before)
    found = Counter(verdicts(record).values())
    assert found == {"RESTORED": record["written"], "NOT_WRITTEN": 100 - record["written"]}
    assert 6 <= record["written"] < 100
    assert record["written"] % 2 == 0
    assert await desk.put("UNDO", 1) == 1, await desk.text("FAILURES")
    assert desk.machine() == before


async def test_an_ioc_that_dies_half_way(site: Site) -> None:
    lives, dies = site.ioc(plain("STAYS", "LATER")), site.ioc(plain("GONE", "RAMPED", value=7))
    rows = ["STAYS,1,", "GONE,1,", "RAMPED,2,50", "LATER,3,"]
    desk = site.snapioc(rows, lives, dies, columns="pv,order,ramp", settings=SHORT)
    await moved(desk, 1005.0)
    restore = asyncio.create_task(desk.put("RESTORE_ID", 1001))
    # Twenty seconds of a ramp: it is on its way.
    await until(lambda: below(desk, "RAMPED", 1000.0))
    dies.kill()
    assert await restore == PUTFAIL
    record = await desk.check(PUTFAIL, {"STAYS": 1005.0, "LATER": 1005.0}, {"STAYS": 5.0, "LATER": 5.0})
    assert (record["result"], record["written"]) == ("partial", 3)
    verdicts = {pv: verdict for pv, (verdict, _) in record["outcomes"].items()}
    assert verdicts == {"STAYS": "RESTORED", "GONE": "DIFFERENT", "RAMPED": "WRITE_FAILED", "LATER": "NOT_WRITTEN"}
    assert record["outcomes"]["GONE"][1] == "could not be read back: disconnected"
    # It comes back with the values of its start. What the restore left it at nobody could read, so nobody moved it: UNDO
    # puts back what was there before.
    dies.start()
    await desk.until_connected()
    assert desk.machine() == {"STAYS": 5.0, "GONE": 7.0, "RAMPED": 7.0, "LATER": 1005.0}
    assert await desk.put("UNDO", 1) == 1, await desk.text("FAILURES")
    assert desk.machine() == dict.fromkeys(desk.pvs, 1005.0)


async def test_an_ioc_that_hangs_half_way(site: Site) -> None:
    lives, hangs = site.ioc(plain("STAYS", "LATER")), site.ioc(plain("RAMPED"))
    desk = site.snapioc(["STAYS,1,", "RAMPED,2,10", "LATER,3,"], lives, hangs, columns="pv,order,ramp", settings=SHORT)
    await moved(desk, 1005.0)
    restore = asyncio.create_task(desk.put("RESTORE_ID", 1001))
    await until(lambda: below(desk, "RAMPED", 1004.0))
    hangs.stop()
    assert await restore == PUTFAIL
    hangs.cont()
    record = await desk.record()
    assert record["outcomes"]["RAMPED"][0] in ("LATE", "WRITE_FAILED")
    assert record["outcomes"]["LATER"][0] == "NOT_WRITTEN"
    await desk.until_connected()
    left = desk.machine(["RAMPED"])["RAMPED"]
    assert 5.0 < left <= 1004.0
    # Nobody but the restore has moved it.
    assert await desk.put("UNDO", 1) == 1, await desk.text("FAILURES")
    assert desk.machine() == {"STAYS": 1005.0, "RAMPED": 1005.0, "LATER": 1005.0}


async def stamps(desk: Desk) -> dict[str, float]:
    found = await aioca.caget([desk.site.machine + pv for pv in desk.pvs], format=aioca.FORMAT_TIME)
    return {pv: value.timestamp for pv, value in zip(desk.pvs, found, strict=True)}


async def written(desk: Desk, command: str) -> set[str]:
    """Put 1001 to a command; which records were processed."""
    before = await stamps(desk)
    assert await desk.put(command, 1001) == 1, await desk.text("MESSAGE")
    return {pv for pv, stamp in (await stamps(desk)).items() if stamp != before[pv]}


CHANGED_ROWS = ["SAME,,", "ALWAYS,yes,", "OTHER,,", "NEARLY,,100", "ZERO,,"]


async def test_changed_only_and_all(site: Site) -> None:
    desk = site.snapioc(
        CHANGED_ROWS, site.ioc(plain("SAME", "ALWAYS", "OTHER", "NEARLY", "ZERO")), columns="pv,always,abs_tol"
    )
    await desk.set(ZERO=-0.0)
    saved = desk.machine()
    await desk.save()
    away = {"OTHER": 1.0, "NEARLY": 6.0, "ZERO": 0.0}
    for changed, expected in (("Changed only", {"ALWAYS", *away}), ("All", set(desk.pvs))):
        assert await desk.put("CHANGED", changed) == 1
        await desk.set(**away)
        before = desk.machine()
        assert await written(desk, "RESTORE_ID") == expected
        record = await desk.check(1, before, saved)
        assert record["written"] == len(expected)
        assert str(desk.machine(["ZERO"])["ZERO"]) == "-0.0"


async def test_a_preview_writes_nothing_and_tells_what_the_restore_writes(site: Site) -> None:
    desk = site.snapioc(
        CHANGED_ROWS, site.ioc(plain("SAME", "ALWAYS", "OTHER", "NEARLY", "ZERO")), columns="pv,always,abs_tol"
    )
    saved = desk.machine()
    await desk.save()
    await desk.set(OTHER=1.0, NEARLY=6.0)
    before, records = desk.machine(), desk.newest_restore()
    assert await written(desk, "PREVIEW_ID") == set()
    assert await desk.get("PREVIEW_ID") == 1001
    plan = [line.split("\t") for line in (await desk.text("PLAN")).splitlines()]
    planned = {pv.removeprefix(site.machine): (old, new) for pv, old, new in plan}
    counted = [await desk.get(name) for name in ("N_TOTAL", "N_DONE", "N_UNCHANGED", "N_FAILED")]
    assert counted == [5, 5, 2, 0]
    assert (desk.newest_restore(), await desk.get("UNDO_ID")) == (records, 0)
    assert await written(desk, "RESTORE_ID") == set(planned)
    assert planned == {pv: (str(before[pv]), str(saved[pv])) for pv in ("ALWAYS", "OTHER", "NEARLY")}
    await desk.check(1, before, saved)


async def test_a_preview_names_what_would_stop_the_restore(site: Site) -> None:
    desk = site.snapioc(["X", "Y"], site.ioc(plain("X", "Y")))
    await moved(desk)
    await desk.set(Y__DISP=1)
    for command in ("PREVIEW_ID", "RESTORE_ID"):
        assert await desk.put(command, 1001) == PUTFAIL
        assert await desk.failures() == {"Y": "its record refuses puts (DISP is 1)"}
        assert await desk.result() == "Failed"
        assert await desk.text("PLAN") == ""
    assert await desk.put("POLICY", "Best effort") == 1
    assert await desk.put("PREVIEW_ID", 1001) == PUTFAIL
    assert await desk.text("PLAN") == f"{site.machine}X\t1.0\t5.0"
    assert await desk.result() == "Partial"
    assert desk.machine() == {"X": 1.0, "Y": 1.0}
