"""Snapshots that take themselves, on real IOCs: triggers, changes, and what makes one be missed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from .repeating import automatic, configure, counts, stored, until_missed, until_taken
from .restoring import Site, until
from .test_restore_steps import plain, slow

pytestmark = pytest.mark.usefixtures("ca")


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


async def test_a_restore_makes_it_miss_and_is_not_held_up(site: Site) -> None:
    rows = ["X,yes,20", "Y,,"]
    desk = site.snapioc(rows, site.ioc(slow("X", 2) + plain("Y")), columns="pv,wait,timeout")
    await desk.set(X=5, Y=5)
    saved = await desk.save()
    await desk.set(X=1, Y=1)
    await configure(desk, PERIOD=0.2, ARM=1)
    await until_taken(desk, 1)
    assert await desk.put("RESTORE_ID", saved) == 1
    taken, missed = await counts(desk)
    assert missed
    assert f"the restore of {saved} by A was writing" in await desk.text("AUTO_MESSAGE")
    await until_taken(desk, taken + 2)
    assert (await desk.get("LAST_ID"), await desk.result()) == (saved, "Success")
    for snapshot, _ in await stored(desk, *[header.id for header in await automatic(desk)]):
        assert {snapshot.readings.value(row) for row in range(2)} in ({1.0}, {5.0})
    log = desk.process.log.read_text()
    assert log.count(f"missed: the restore of {saved}") == 1


async def test_dead_iocs(site: Site) -> None:
    one, other = site.ioc(plain("X")), site.ioc(plain("Y"))
    desk = site.snapioc(["X", "Y"], one, other)
    await desk.until_connected()
    await configure(desk, PERIOD=0.2, ARM=1)
    await until_taken(desk, 1)
    one.kill()
    await desk.until_connected(missing=1)
    taken, _ = await counts(desk)
    await until_taken(desk, taken + 2)
    assert (await automatic(desk))[0].ok == 1
    other.kill()
    await until_missed(desk, (await counts(desk))[1] + 2)
    assert "no PV could be read (2 disconnected)" in await desk.text("AUTO_MESSAGE")
    one.restart()
    other.restart()
    await desk.until_connected()
    taken, _ = await counts(desk)
    await until_taken(desk, taken + 1)
    assert (await automatic(desk))[0].ok == 2
    # One that hangs costs its deadline, and not the values of the other.
    one.stop()
    taken, missed = await counts(desk)
    await until_taken(desk, taken + 2)
    assert (await automatic(desk))[0].ok == 1
    await until_missed(desk, missed + 1)
    one.cont()


async def test_trig_pv(site: Site) -> None:
    machine = (
        plain("X", "T", value=0) + 'record(mbbo, "$(P)M") { field(ZRST, "Idle") field(ONST, "Ramp") field(TWST, "Trip") }\n'
    )
    ioc = site.ioc(machine)
    desk = site.snapioc(["X"], ioc)
    title = "Set by hand"
    await desk.put("TITLE", title)

    async def watches(**on: str) -> None:
        await configure(desk, **on)
        await until(armed)

    async def armed() -> bool:
        return "TRIG_PV" in (why := await desk.text("ARMED_WHY")) and "not connected" not in why

    async def takes(wanted: int, **puts: float) -> None:
        before, _ = await counts(desk)
        for name, value in puts.items():
            await desk.set(**{name: value})
        await until_taken(desk, before + wanted)
        await asyncio.sleep(0.3)
        assert (await counts(desk))[0] == before + wanted

    await configure(desk, ARM=1)
    await watches(TRIG_PV=f"{site.machine}T")
    await takes(1, T=5)
    await takes(0, T=5)
    await watches(TRIG_ON="rise")
    await takes(0, T=6)
    await takes(0, T=0)
    await takes(1, T=1)
    await watches(TRIG_PV=f"{site.machine}M", TRIG_ON="= Trip")
    await takes(0, M=1)
    await takes(1, M=2)
    await watches(BURST=3, TRIG_ON="= 1")  # type: ignore[arg-type]
    await takes(3, M=1)
    ioc.restart()
    await desk.until_connected()
    await until(armed)
    await takes(3, M=1)
    titles = [header.title for header in reversed(await automatic(desk))]
    machine_name = site.machine
    assert titles[:3] == [
        f"TRIG_PV {machine_name}T changed to 5.0",
        f"TRIG_PV {machine_name}T rose to 1.0",
        f"TRIG_PV {machine_name}M became Trip (2)",
    ]
    assert titles[3] == f"TRIG_PV {machine_name}M became Ramp (1) (1 of 3)"
    assert await desk.text("TITLE") == title
    assert (await counts(desk))[1] == 0


async def test_on_change(site: Site) -> None:
    desk = site.snapioc(["X", "Y"], site.ioc(plain("X", "Y")))
    await desk.until_connected()
    await configure(desk, ON_CHANGE=1, MIN_INTERVAL=0.5, ARM=1)

    async def ready() -> bool:
        return (await desk.text("ARMED_WHY")) == "on change, at most every 0.5 s"

    await until(ready)
    assert await counts(desk) == (0, 0)
    await desk.set(Y=1)  # the very first change after it is ready
    await until_taken(desk, 1)
    await asyncio.sleep(1)
    assert await counts(desk) == (1, 0)
    begun = time.monotonic()
    for value in range(300):
        await desk.set(X=value, Y=-value)
    storm = time.monotonic() - begun

    async def caught() -> bool:
        ((snapshot, _),) = await stored(desk, int(await desk.get("AUTO_LAST_ID")))
        return [snapshot.readings.value(row) for row in range(2)] == [299.0, -299.0]

    await until_taken(desk, 2)
    await until(caught)
    taken, missed = await counts(desk)
    print(f"\na storm of 600 changes in {storm:.2f} s: {taken} taken, {missed} missed")
    assert taken <= storm / 0.5 + 4
    times = [header.taken_at for header in reversed(await automatic(desk))]
    assert np.diff(times).min(initial=9) > 0.4
    await asyncio.sleep(1.2)
    assert await counts(desk) == (taken, 0)
    # Our own restores are changes too.
    saved = await desk.save()
    await desk.set(X=7)
    await until_taken(desk, taken + 1)
    assert await desk.put("RESTORE_ID", saved) == 1
    await until_taken(desk, taken + 2)
