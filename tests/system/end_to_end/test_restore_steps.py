"""Writing a restore to real records and proving it: slow, stubborn and refusing ones, readbacks, and no proof at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aioca
import pytest

from .restoring import Desk, Site, until
from .test_commands import PUTFAIL

pytestmark = pytest.mark.usefixtures("ca")

SHORT = "[channels]\nread_timeout = 1.0\nwrite_timeout = 1.0"


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


def plain(*names: str, value: float = 5) -> str:
    return "".join(f'record(ao, "$(P){name}") {{ field(VAL, "{value}") field(PINI, "YES") }}\n' for name in names)


def slow(name: str, seconds: float) -> str:
    """A record whose put-callback takes its time, as its seq has to be waited for.

    It is not processed at start: while the seq runs, a further put-callback would not wait for it.
    """
    return f"""
record(ao, "$(P){name}") {{ field(FLNK, "$(P){name}:BUSY") }}
record(seq, "$(P){name}:BUSY") {{ field(DLY1, "{seconds}") field(DO1, "1") field(LNK1, "$(P){name}:END PP") }}
record(longout, "$(P){name}:END") {{ }}
"""


async def restored(desk: Desk, snapshot_id: int = 1001) -> tuple[int, dict[str, Any]]:
    """Restore to 5 what `moved` has moved; the status of its put and its record, checked against all."""
    before, wanted = desk.machine(), dict.fromkeys(desk.pvs, 5.0)
    status = await desk.put("RESTORE_ID", snapshot_id)
    return status, await desk.check(status, before, wanted)


async def status_is(desk: Desk, name: str) -> bool:
    return bool(await aioca.caget(f"{desk.site.prefix}A:STATUS", datatype=aioca.DBR_STRING) == name)


async def moved(desk: Desk, value: float = 1.0) -> None:
    """Save the machine with all at 5, and write to all."""
    await asyncio.gather(*(desk.set(**{name: 5.0}) for name in desk.pvs))
    await desk.save()
    await asyncio.gather(*(desk.set(**{name: value}) for name in desk.pvs))


async def seconds_of(desk: Desk) -> float:
    return float(await desk.get("ELAPSED"))


async def test_a_slow_record_is_not_waited_for_beyond_the_write_timeout(site: Site) -> None:
    desk = site.snapioc(["X", "Y"], site.ioc(slow("X", 3) + plain("Y")), settings=SHORT)
    await moved(desk)
    status, record = await restored(desk)
    # Its put-callback did not come in time, but the read-back found the value.
    assert (status, record["outcomes"]) == (1, {"X": ("RESTORED", ""), "Y": ("RESTORED", "")})


@pytest.mark.parametrize("timeout", ["20", ""])
async def test_a_slow_record_with_wait_is_waited_for(site: Site, timeout: str) -> None:
    settings = SHORT if timeout else "[channels]\nwrite_timeout = 20.0"
    rows = [f"X,yes,{timeout}", "Y,,"]
    desk = site.snapioc(rows, site.ioc(slow("X", 3) + plain("Y")), columns="pv,wait,timeout", settings=settings)
    await moved(desk)
    restore = asyncio.create_task(restored(desk))
    await until(lambda: status_is(desk, "Waiting"))
    assert not restore.done()
    # The others do not wait for it.
    assert desk.machine(["Y"]) == {"Y": 5.0}
    status, record = await restore
    assert (status, record["result"]) == (1, "success")
    assert await seconds_of(desk) > 2.9


LATE_ROWS = ["X,yes,0.5,1", "Y,,,1", "LATER,,,2"]


@pytest.mark.parametrize(("policy", "later"), [("Strict", "NOT_WRITTEN"), ("Best effort", "RESTORED")])
async def test_a_slow_record_with_a_shorter_timeout_is_late(site: Site, policy: str, later: str) -> None:
    ioc = site.ioc(slow("X", 4) + plain("Y", "LATER"))
    desk = site.snapioc(LATE_ROWS, ioc, columns="pv,wait,timeout,order", settings=SHORT, of_set=f'policy = "{policy}"')
    await moved(desk)
    status, record = await restored(desk)
    assert (status, record["result"]) == (PUTFAIL, "partial")
    assert record["outcomes"]["X"] == ("LATE", "late: not done in time")
    assert record["outcomes"]["Y"] == ("RESTORED", "")
    assert record["outcomes"]["LATER"][0] == later
    assert record["written"] == (2 if policy == "Strict" else 3)
    assert desk.machine(["X"]) == {"X": 5.0}
    # What was written is known and can be taken back, though the record is busy.
    assert await desk.put("UNDO", 1) in (1, PUTFAIL)
    await until(lambda: held(desk, X=1.0, Y=1.0, LATER=1.0))


async def held(desk: Desk, **values: float) -> bool:
    return bool(desk.machine(list(values)) == values)


STUBBORN = """
record(ao, "$(P)FORCED") { field(VAL, "5") field(PINI, "YES") }
record(calcout, "$(P)FORCED:MIN") {
    field(INPA, "$(P)FORCED") field(CALC, "A>B") field(B, "10") field(OOPT, "When Non-zero")
    field(DOPT, "Use OCAL") field(OCAL, "B") field(OUT, "$(P)FORCED.VAL")
}
record(ao, "$(P)LIMITS") { field(VAL, "100") field(PINI, "YES") field(OUT, "$(P)CLAMPED.DRVH") }
record(ao, "$(P)CLAMPED") { field(VAL, "5") field(PINI, "YES") field(DRVH, "100") field(DRVL, "-100") }
record(ao, "$(P)PUT_BACK") { field(VAL, "5") field(PINI, "YES") }
record(ao, "$(P)PUT_BACK:IT") { field(DOL, "5") field(OMSL, "closed_loop") field(OUT, "$(P)PUT_BACK.VAL") }
record(ao, "$(P)PLAIN") { field(VAL, "5") field(PINI, "YES") }
"""


async def test_values_that_records_do_not_take_have_each_their_word(site: Site) -> None:
    rows = ["LIMITS,1", "CLAMPED,2", "FORCED,2", "PUT_BACK,2", "PLAIN,3"]
    desk = site.snapioc(rows, site.ioc(STUBBORN), columns="pv,order")
    await desk.set(LIMITS=10.0, CLAMPED__DRVH=100.0, CLAMPED=50.0, FORCED=50.0, PUT_BACK=3.0, PLAIN=4.0)
    wanted = desk.machine()
    await desk.save()
    # Restoring LIMITS lowers the limit of CLAMPED, behind the back of the check.
    await desk.set(LIMITS=100.0, CLAMPED=1.0, FORCED=1.0, PUT_BACK=5.0, PLAIN=1.0)
    await aioca.caput(f"{site.machine}FORCED.FLNK", f"{site.machine}FORCED:MIN", wait=True)
    await aioca.caput(f"{site.machine}PUT_BACK.FLNK", f"{site.machine}PUT_BACK:IT", wait=True)
    before = desk.machine()
    assert before["PUT_BACK"] == 5.0
    status = await desk.put("RESTORE_ID", 1001)
    record = await desk.check(status, before, wanted)
    assert (status, record["result"]) == (PUTFAIL, "partial")
    assert record["outcomes"] == {
        "LIMITS": ("RESTORED", ""),
        "CLAMPED": ("CLAMPED", "clamped: reads 10.0 instead of 50.0"),
        "FORCED": ("DIFFERENT", "reads 10.0 instead of 50.0"),
        "PUT_BACK": ("REJECTED", "rejected: still reads 5.0 instead of 3.0"),
        "PLAIN": ("RESTORED", ""),
    }
    # UNDO knows what they held instead, and is not stopped by it.
    assert await desk.put("UNDO", 1) == 1, await desk.text("MESSAGE")
    assert desk.machine() == before


REFUSES = """
record(longout, "$(P)LOCK") { field(VAL, "0") field(PINI, "YES") field(OUT, "$(P)REFUSES.DISP CA") }
"""


@pytest.mark.parametrize(("policy", "later"), [("Strict", "NOT_WRITTEN"), ("Best effort", "RESTORED")])
async def test_a_write_that_fails_after_the_check_stops_strict(site: Site, policy: str, later: str) -> None:
    # Restoring LOCK lets the next record refuse its put, behind the back of the check.
    rows = ["LOCK,1", "REFUSES,2", "BESIDE,2", "LATER,3"]
    ioc = site.ioc(REFUSES + plain("REFUSES", "BESIDE", "LATER"))
    desk = site.snapioc(rows, ioc, columns="pv,order", of_set=f'policy = "{policy}"', settings=SHORT)
    await desk.set(LOCK=1)
    wanted = desk.machine()
    await desk.save()
    await desk.set(LOCK=0)
    await until(lambda: held(desk, **{"REFUSES.DISP": 0}))
    await desk.set(REFUSES=1.0, BESIDE=1.0, LATER=1.0)
    before = desk.machine()
    status = await desk.put("RESTORE_ID", 1001)
    record = await desk.check(status, before, wanted)
    assert (status, record["result"]) == (PUTFAIL, "partial")
    assert record["outcomes"]["REFUSES"] == ("WRITE_FAILED", "the server refused the write")
    assert {pv: record["outcomes"][pv][0] for pv in ("LOCK", "BESIDE", "LATER")} == {
        "LOCK": "RESTORED",
        "BESIDE": "RESTORED",
        "LATER": later,
    }
    assert desk.machine(["REFUSES"]) == {"REFUSES": 1.0}


FOLLOWS = """
record(ao, "$(P)X") { field(VAL, "5") field(PINI, "YES") field(FLNK, "$(P)MOVE") }
record(seq, "$(P)MOVE") { field(DLY1, "4") field(DOL1, "$(P)X") field(LNK1, "$(P)RB PP") }
record(ao, "$(P)RB") { field(VAL, "5") field(PINI, "YES") }
"""


@pytest.mark.parametrize("settle", [0.0, 30.0])
async def test_a_readback_has_its_time_to_settle(site: Site, settle: float) -> None:
    rows = [f"X,{site.machine}RB,0.1", "FREE,,"]
    desk = site.snapioc(
        rows, site.ioc(FOLLOWS + plain("FREE")), columns="pv,readback,abs_tol", of_set=f"settle = {settle}", settings=SHORT
    )
    await until(lambda: held(desk, RB=5.0))
    await moved(desk)
    await until(lambda: held(desk, RB=1.0))
    status, record = await restored(desk)
    assert record["outcomes"]["FREE"] == ("RESTORED", "")
    if settle:
        assert (status, record["outcomes"]["X"]) == (1, ("RESTORED", ""))
        assert desk.machine(["RB"]) == {"RB": 5.0}
    else:
        why = f"written, but its readback {site.machine}RB reads 1.0 instead of 5.0"
        assert (status, record["outcomes"]["X"]) == (PUTFAIL, ("READBACK_OFF", why))


async def test_without_verify_nothing_is_read_back(site: Site) -> None:
    desk = site.snapioc(["X"], site.ioc(plain("X")))
    await moved(desk)
    assert await desk.put("VERIFY", "No") == 1
    status, record = await restored(desk)
    assert (status, record["outcomes"]) == (1, {"X": ("UNCHECKED", "")})


async def below(desk: Desk, pv: str, value: float) -> bool:
    return bool(desk.machine([pv])[pv] < value)
