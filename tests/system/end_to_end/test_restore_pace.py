"""The pace of a restore, as the target's own time stamps show it. Bounds hold however slow the machine is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import aioca
import numpy as np
import pytest

from tests.bench import targets

from .restoring import Desk, Site
from .test_commands import PUTFAIL, put, text

pytestmark = pytest.mark.usefixtures("ca")

LONGEST = 0.2
"""Seconds that one step of a ramp may stand for (snapioc.operations.ramp)."""


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


def plain(*names: str, kind: str = "ao") -> str:
    return "".join(f'record({kind}, "$(P){name}") {{ field(VAL, "5") field(PINI, "YES") }}\n' for name in names)


Stream = dict[str, list[tuple[float, Any]]]


@asynccontextmanager
async def watched(desk: Desk, names: Sequence[str]) -> AsyncIterator[Stream]:
    """What the IOC posts from now on: by PV the times of its records and their values."""
    stream: Stream = {name: [] for name in names}
    pvs = [desk.site.machine + name for name in names]

    def note(value: Any, place: int) -> None:
        stream[names[place]].append((value.timestamp, value))

    monitors = aioca.camonitor(pvs, note, format=aioca.FORMAT_TIME, all_updates=True)
    try:
        while not all(stream.values()):  # each begins with what there is
            await asyncio.sleep(0.05)
        for seen in stream.values():
            del seen[:-1]
        yield stream
        await asyncio.sleep(0.5)  # the last ones are on their way
    finally:
        for monitor in monitors:
            monitor.close()


def times(stream: Stream, names: Sequence[str]) -> list[float]:
    """When the records were written, sorted; the first of each is what there was before."""
    return sorted(when for name in names for when, _ in stream[name][1:])


async def moved(desk: Desk) -> None:
    await desk.save()
    await asyncio.gather(*(desk.set(**{name: 1}) for name in desk.pvs))


async def test_order_groups_go_one_after_the_other_and_waits_hold_up_the_next(site: Site) -> None:
    groups = {order: [f"G{number}X{i}" for i in range(20)] for number, order in enumerate((-5, 1, 2))}
    slow = """
record(ao, "$(P)SLOW") { field(FLNK, "$(P)SEQ") }
record(seq, "$(P)SEQ") { field(DLY1, "3") field(DO1, "1") field(LNK1, "$(P)END PP") }
record(longout, "$(P)END") { field(TSE, "0") field(MDEL, "-1") field(ADEL, "-1") }
"""
    rows = [f"{name},{order}," for order in (2, -5, 1) for name in groups[order]]
    ioc = site.ioc(plain(*(name for names in groups.values() for name in names)) + slow)
    desk = site.snapioc([*rows, "SLOW,1,yes"], ioc, columns="pv,order,wait")
    await desk.set(SLOW=5.0)
    await moved(desk)
    async with watched(desk, [*desk.pvs, "END"]) as stream:
        assert await desk.put("RESTORE_ID", 1001) == 1
    stamps = [times(stream, groups[order]) for order in (-5, 1, 2)]
    assert [len(each) for each in stamps] == [20, 20, 20]
    for earlier, later in pairwise(stamps):
        assert earlier[-1] <= later[0]
    begun, ended = times(stream, ["SLOW"]), times(stream, ["END"])
    assert ended[0] - begun[0] > 2.9
    assert stamps[0][-1] <= begun[0]
    assert ended[0] <= stamps[2][0]
    # Those of its own group did not wait for it.
    assert stamps[1][-1] < ended[0]


RAMPS = {"UP": ("ao", 0.0, 10.0, 5.0), "DOWN": ("ao", 3.5, -3.5, 4.0), "WHOLE": ("longout", -10, 30, 20.0)}
"""Record type, from, to, units per second."""


async def test_ramps_are_monotone_and_never_faster_than_asked(site: Site) -> None:
    ioc = site.ioc("".join(plain(name, kind=known[0]) for name, known in RAMPS.items()) + plain("AT_ONCE", "NAN"))
    rows = [f"{name},{known[3]}" for name, known in RAMPS.items()]
    desk = site.snapioc([*rows, "AT_ONCE,", "NAN,1"], ioc, columns="pv,ramp")
    await desk.set(**{name: known[2] for name, known in RAMPS.items()})
    await desk.save()
    await desk.set(AT_ONCE=1.0, NAN=np.nan, **{name: known[1] for name, known in RAMPS.items()})
    async with watched(desk, desk.pvs) as stream:
        assert await desk.put("RESTORE_ID", 1001) == 1, await desk.text("FAILURES")
    assert [float(value) for _, value in stream["AT_ONCE"]] == [1.0, 5.0]
    assert len(stream["NAN"]) == 2
    assert (await desk.record())["outcomes"]["NAN"] == ("RESTORED", "written at once: its value cannot be ramped")
    for name, (kind, begin, end, speed) in RAMPS.items():
        seen = [(when, float(value)) for when, value in stream[name]]
        assert (seen[0][1], seen[-1][1]) == (begin, end)
        check_ramp(seen, speed, slack=float(kind == "longout"))
    assert await desk.get("ELAPSED") > 1.9 - LONGEST


def check_ramp(seen: Sequence[tuple[float, float]], speed: float, slack: float) -> None:
    """Monotone, and between any two points no faster than `speed`, but for what one step may stand for.

    Integers trail the ramp by up to one unit (`slack`). The first point is what there was before.
    """
    values = np.array([value for _, value in seen])
    steps = np.diff(values)
    assert (steps > 0).all() or (steps < 0).all()
    assert np.abs(steps).max() <= speed * LONGEST + slack + 1e-9
    way = np.abs(values[-1] - values[0])
    assert len(steps) >= way / (speed * LONGEST + slack)
    for place, (when, value) in enumerate(seen[1:]):
        for later, further in seen[place + 2 :]:
            assert abs(further - value) <= speed * (later - when + LONGEST) + slack + 1e-6


COUNT = 60


@pytest.mark.parametrize(
    ("of_set", "asked", "rate", "batch"),
    [
        ("rate = 20.0", None, 20, 20),
        ("rate = 20.0\nbatch = 5", None, 20, 5),
        ("rate = 20.0", 1000.0, 20, 20),
        ("rate = 1000.0", 20.0, 20, 20),
        ("", 20.0, 20, 20),
    ],
)
@pytest.mark.parametrize("wait", ["", "yes"])
async def test_the_rate_is_kept(site: Site, of_set: str, asked: float | None, rate: int, batch: int, wait: str) -> None:
    names = [f"X{i}" for i in range(COUNT)]
    desk = site.snapioc([f"{name},{wait}" for name in names], site.ioc(plain(*names)), columns="pv,wait", of_set=of_set)
    await moved(desk)
    if asked:
        assert await desk.put("RATE", asked) == 1
    async with watched(desk, names) as stream:
        begun = time.time()
        assert await desk.put("RESTORE_ID", 1001) == 1
    stamps = times(stream, names)
    assert len(stamps) == COUNT
    for place, when in enumerate(stamps):
        assert when - begun >= place // batch * batch / rate


SIZE = 40_000


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_strict_writes_none_of_40000_if_one_cannot_be_written(site: Site) -> None:
    prefix = site.machine
    names = [targets.name(prefix, row) for row in range(SIZE)]
    ioc = site.ioc("".join(targets.record(prefix, row) for row in range(SIZE)))
    desk = site.snapioc([name.removeprefix(prefix) for name in names], ioc, settings="[channels]\nread_timeout = 30.0")
    await desk.until_connected()
    await desk.save()
    assert await desk.put("CHANGED", "All") == 1
    await put(f"{names[SIZE // 2]}.DISP", 1)
    before = await stamps_of(names)
    assert await desk.put("RESTORE_ID", 1001) == PUTFAIL
    assert await desk.failures() == {desk.pvs[SIZE // 2]: "its record refuses puts (DISP is 1)"}
    assert await desk.result() == "Failed"
    assert (await stamps_of(names) == before).all()
    # And without it all are written, which the same stamps show.
    await put(f"{names[SIZE // 2]}.DISP", 0)
    assert await desk.put("RESTORE_ID", 1001) == 1, await text(f"{site.prefix}A:MESSAGE")
    assert (await stamps_of(names) > before).all()


async def stamps_of(names: Sequence[str]) -> np.ndarray[Any, Any]:
    """The records' own time stamps."""
    found = await aioca.caget(list(names), count=1, format=aioca.FORMAT_TIME, timeout=120)
    return np.array([value.timestamp for value in found])
