"""Snapshots that take themselves, on real IOCs: settings, the grid of PERIOD, what is kept of them, and a soak."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aioca
import psutil
import pytest

from snapioc.model import Origin

from .repeating import SET, automatic, configure, counts, store_of, until_taken
from .restoring import Desk, Site, until
from .test_restore_steps import plain

pytestmark = pytest.mark.usefixtures("ca")


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


async def settings(desk: Desk) -> dict[str, object]:
    return {name: await aioca.caget(f"{desk.site.prefix}A:{name}", datatype=aioca.DBR_STRING) for name in SET}


async def test_all_settings_survive_a_kill_and_it_goes_on_by_itself(site: Site) -> None:
    desk = site.snapioc(["X", "Y"], site.ioc(plain("X", "Y", "T")))
    await configure(desk, PERIOD=0.25, KEEP="100", ON_CHANGE=1, MIN_INTERVAL=0.5, TRIG_PV=f"{site.machine}T", TRIG_ON="= 7")
    await configure(desk, BURST=2, WINDOW=10, SUB_PUSH=50, BACK=500, ARM=1)
    await until_taken(desk, 4)
    before = await settings(desk)
    assert before["PERIOD"] == "0.250"
    desk.process.kill()
    newest = (await automatic(desk))[0].id
    desk.process.start()
    await until_taken(desk, 4)
    assert await settings(desk) == before
    assert await desk.get("AUTO_LAST_ID") > newest
    assert await desk.get("LAST_ID") == 0
    header = (await automatic(desk))[0]
    assert (header.kind, header.origin, header.ok) == ("automatic", Origin(group="A"), 2)
    # The console shows and sets those of the set in SET.
    console = site.prefix
    assert await aioca.caget(f"{console}TRIG_ON") == "= 7"
    await aioca.caput(f"{console}ARM", "Off", wait=True)
    assert await desk.get("ARM") == 0
    assert await desk.text("ARMED_WHY") == "ARM is 0; WINDOW is not active"


async def test_what_is_refused_is_counted(site: Site) -> None:
    desk = site.snapioc(["X"], site.ioc(plain("X")))
    for refused, (name, value) in enumerate([("PERIOD", 0.05), ("KEEP", "9" * 20), ("BURST", 0), ("TRIG_PV", "A B")], 1):
        assert await desk.put(name, value) != 1
        assert await desk.get("REFUSED") == refused
        assert name in await desk.text("REFUSED_WHY")


async def test_a_tenth_of_a_second_with_1000_pvs(site: Site) -> None:
    names = [f"V{number}" for number in range(1000)]
    desk = site.snapioc(names, site.ioc(plain(*names)))
    await desk.until_connected()
    await configure(desk, PERIOD=0.1, ARM=1)
    assert desk.process.process
    process = psutil.Process(desk.process.process.pid)
    begun, before = time.monotonic(), sum(process.cpu_times()[:2])
    await until_taken(desk, 40)
    taken, missed = await counts(desk)
    elapsed, cpu = time.monotonic() - begun, sum(process.cpu_times()[:2]) - before
    print(f"\n1,000 PVs every 0.1 s: {taken} taken, {missed} missed in {elapsed:.2f} s, late {await desk.get('LATE')} ms")
    print(f"all of snapioc took {cpu / elapsed:.0%} of a core")
    # Each point of the grid is either taken or missed, however slow the machine is.
    assert elapsed / 0.1 - 5 < taken + missed < elapsed / 0.1 + 5
    assert all(header.ok == 1000 for header in await automatic(desk))


async def test_keep(site: Site) -> None:
    desk = site.snapioc(["X"], site.ioc(plain("X")))
    await desk.until_connected()
    saved = await desk.save()
    await configure(desk, PERIOD=0.1, ARM=1)
    await until_taken(desk, 12)
    ids = [header.id for header in reversed(await automatic(desk))]
    async with store_of(desk) as store:
        await store.edit(ids[0], Origin("tester"), tags=["beam"])
    assert await desk.put("GOLDEN_ID", ids[1]) == 1

    async def few(most: int) -> bool:
        return len(await automatic(desk)) <= most

    await configure(desk, KEEP="1000000000")
    await until_taken(desk, (await counts(desk))[0] + 2)
    await configure(desk, KEEP="8766000h")
    await until_taken(desk, (await counts(desk))[0] + 2)
    assert "deleted" not in await desk.text("AUTO_MESSAGE")
    await configure(desk, KEEP="5")
    await until(lambda: few(40))
    await until_taken(desk, (await counts(desk))[0] + 15)
    await desk.put("PERIOD", 0.5)
    await until(lambda: few(5 + 2 + 2))
    left = [header.id for header in reversed(await automatic(desk))]
    assert left[:2] == ids[:2]
    await configure(desk, KEEP="2s")
    await asyncio.sleep(3)
    await until(lambda: few(2 + 6 + 2))
    left = [header.id for header in reversed(await automatic(desk))]
    assert left[:2] == ids[:2]
    async with store_of(desk) as store:
        assert (await store.header(saved)).kind == "manual"
    assert (await counts(desk))[1] == 0 or "deleted" not in await desk.text("AUTO_MESSAGE")


SOAK = float(os.environ.get("SNAPIOC_SOAK_SECONDS", "8"))


@pytest.mark.timeout(SOAK + 240)
async def test_soak(site: Site) -> None:
    """Recurring snapshots with pruning; the figures are printed, for a machine that is busy otherwise is late."""
    names = [f"V{number}" for number in range(200)]
    database = "".join(f'record(calc, "$(P){n}") {{ field(CALC, "VAL+1") field(SCAN, ".5 second") }}\n' for n in names)
    desk = site.snapioc(names, site.ioc(database))
    await desk.until_connected()
    assert desk.process.process
    process = psutil.Process(desk.process.process.pid)
    await configure(desk, PERIOD=0.2, KEEP="20", ARM=1)
    figures, late = [], [0.0]
    begun = time.monotonic()
    while time.monotonic() - begun < SOAK:
        await asyncio.sleep(max(0.5, SOAK / 60))
        late.append(float(await desk.get("LATE")))
        size = sum(path.stat().st_size for path in site.folder.glob("snapshots.db*"))
        figures.append((process.memory_info().rss / 1e6, size / 1e6))
    taken, missed = await counts(desk)
    elapsed = time.monotonic() - begun
    print(f"\nsoak of {elapsed:.0f} s: {taken} taken, {missed} missed, late at most {max(late):.1f} ms (sampled)")
    print("the last miss:", await desk.text("AUTO_MESSAGE"))
    print("MB of memory and of files:", *(f"{rss:.1f}/{size:.2f}" for rss, size in figures[:: max(1, len(figures) // 12)]))
    assert elapsed / 0.2 - 5 < taken + missed < elapsed / 0.2 + 5
    assert len(await automatic(desk)) < 20 + 15
    half = figures[len(figures) // 2 :]
    if SOAK >= 300:
        assert half[-1][0] < half[0][0] * 1.05
        assert half[-1][1] < half[0][1] * 1.2
