"""What UNDO would take back: shown, previewed, kept over restarts, and never anybody else's work undone unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aioca
import pytest

from .restoring import Desk, Site
from .test_commands import PUTFAIL, put, text

pytestmark = pytest.mark.usefixtures("ca")

DATABASE = "".join(f'record(ao, "$(P)X{i}") {{ field(VAL, "{i}") field(PINI, "YES") }}\n' for i in range(4))
PVS = ["X0", "X1", "X2", "X3"]


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


def values(*numbers: float) -> dict[str, float]:
    return dict(zip(PVS, numbers, strict=True))


async def undo_point(desk: Desk) -> tuple[int, str]:
    return int(await desk.get("UNDO_ID")), await desk.text("UNDO_TEXT")


async def saved_ids(desk: Desk) -> tuple[int, int]:
    return int(await desk.get("LAST_ID")), int(await aioca.caget(f"{desk.site.prefix}NEWEST_ID"))


async def test_the_undo_point_is_the_last_restore_that_wrote(site: Site) -> None:
    desk = site.snapioc(PVS, site.ioc(DATABASE))
    assert await undo_point(desk) == (0, "")
    assert await desk.put("UNDO", 1) == PUTFAIL
    assert "no restore of A" in await desk.text("REFUSED_WHY")
    await desk.save()
    await desk.set(X1=11.0, X2=12.0)
    assert await desk.put("RESTORE_ID", 1001) == 1
    point = await undo_point(desk)
    assert point[0] > 1001
    assert point[1].startswith("Restore of 1001, ")
    assert ", 2 PVs of A, by " in point[1]
    assert await saved_ids(desk) == (1001, 1001)
    # Neither one that writes nothing, nor a refused one, nor one that fails the check takes its place.
    assert await desk.put("RESTORE_ID", 1001) == 1
    assert await desk.put("RESTORE_ID", 4711) == PUTFAIL
    await desk.set(X3=13.0)
    await desk.set(X3__DISP=1)
    assert await desk.put("RESTORE_ID", 1001) == PUTFAIL
    assert await desk.result() == "Failed"
    assert await undo_point(desk) == point
    await desk.set(X3__DISP=0)
    assert await desk.put("UNDO", 1) == 1
    assert desk.machine() == values(0.0, 11.0, 12.0, 13.0)
    after = await undo_point(desk)
    assert after[0] > point[0]
    assert after[1].startswith("Undo of restore ")
    assert await saved_ids(desk) == (1001, 1001)
    assert [one["id"] for one in await desk.json("list")] == [1001]
    assert await desk.put("UNDO", 1) == 1
    assert desk.machine() == values(0.0, 1.0, 2.0, 13.0)


async def test_what_was_moved_since_is_refused_or_left(site: Site) -> None:
    desk = site.snapioc(PVS, site.ioc(DATABASE))
    await desk.save()
    away = values(10.0, 11.0, 12.0, 13.0)
    await desk.set(**away)
    assert await desk.put("RESTORE_ID", 1001) == 1
    point = await undo_point(desk)
    await desk.set(X2=77.0)
    before = desk.machine()
    status = await desk.put("UNDO", 1)
    record = await desk.check(status, before, away)
    assert record["outcomes"]["X2"] == ("CANNOT", "was moved since: reads 77.0, but the restore left it at 2.0")
    assert (status, record["written"], desk.machine()) == (PUTFAIL, 0, before)
    assert await undo_point(desk) == point
    assert await desk.put("POLICY", "Best effort") == 1
    status = await desk.put("UNDO", 1)
    record = await desk.check(status, before, away)
    assert (status, record["result"], record["written"]) == (PUTFAIL, "partial", 3)
    assert desk.machine() == away | {"X2": 77.0}
    # The redo has nothing to do with the one that was left.
    assert await desk.put("POLICY", "Strict") == 1
    assert await desk.put("UNDO", 1) == 1
    assert desk.machine() == before


async def test_what_undo_would_write_can_be_previewed(site: Site) -> None:
    desk = site.snapioc(PVS, site.ioc(DATABASE))
    await desk.save()
    await desk.set(X1=11.0, X3=13.0)
    assert await desk.put("RESTORE_ID", 1001) == 1
    before = desk.machine()
    assert await desk.put("PREVIEW_ID", int(await desk.get("UNDO_ID"))) == 1, await desk.text("MESSAGE")
    plan = [line.split("\t") for line in (await desk.text("PLAN")).splitlines()]
    assert plan == [[f"{site.machine}X1", "1.0", "11.0"], [f"{site.machine}X3", "3.0", "13.0"]]
    assert desk.machine() == before


async def test_undo_survives_a_restart(site: Site) -> None:
    desk = site.snapioc(PVS, site.ioc(DATABASE))
    await desk.save()
    away = values(10.0, 11.0, 12.0, 13.0)
    await desk.set(**away)
    assert await desk.put("RESTORE_ID", 1001) == 1
    point = await undo_point(desk)
    await asyncio.to_thread(desk.process.terminate)
    await asyncio.to_thread(desk.process.start)
    assert await undo_point(desk) == point
    assert await desk.put("UNDO", 1) == 1
    assert desk.machine() == away


async def test_the_console_undoes_the_set_that_is_chosen(site: Site) -> None:
    (site.folder / "B.req").write_text(f"{site.machine}X2\n{site.machine}X3\n")
    of_set = '[[set]]\nname = "B"\nfiles = ["B.req"]'
    desk = site.snapioc(PVS[:2], site.ioc(DATABASE), of_set=of_set)
    console = site.prefix
    for group in ("A", "B"):
        assert await put(f"{console}{group}:TRIGGER", 1) == 1
    away = values(10.0, 11.0, 12.0, 13.0)
    await desk.set(**away)
    assert [await put(f"{console}RESTORE_ID", number) for number in (1001, 1002)] == [1, 1]
    assert desk.machine(PVS) == values(0.0, 1.0, 2.0, 3.0)
    assert "2 PVs of A" in await text(f"{console}UNDO_TEXT")
    assert await put(f"{console}SET", "B") == 1
    assert "2 PVs of B" in await text(f"{console}UNDO_TEXT")
    assert await aioca.caget(f"{console}UNDO_ID") == await aioca.caget(f"{console}B:UNDO_ID")
    assert await put(f"{console}UNDO", 1) == 1
    assert desk.machine(PVS) == values(0.0, 1.0, 12.0, 13.0)
    assert await put(f"{console}SET", "A") == 1
    assert await put(f"{console}UNDO", 1) == 1
    assert desk.machine(PVS) == away
