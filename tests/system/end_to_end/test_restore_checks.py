"""What the check before a restore finds on real records: Strict writes nothing then, Best effort names what it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import aioca
import pytest

from .restoring import Site
from .test_commands import PUTFAIL

pytestmark = pytest.mark.usefixtures("ca")

ACF = """
ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }
ASG(LOCKED) { RULE(1, READ) }
ASG(GATED) { INPA("$(P)GATE") RULE(1, READ) RULE(1, WRITE) { CALC("A=0") } }
"""
LABELS = 'field(ZRST, "Off") field(ONST, "Ramp") field(TWST, "Hold")'
MOVED = 'field(ZRST, "Hold") field(ONST, "Off") field(TWST, "Ramp")'
GONE = 'field(ZRST, "Off") field(ONST, "Fast") field(TWST, "Hold")'
FIVE = 'field(FTVL, "LONG") field(NELM, "5") field(INP, "[1,2,3,4,5]") field(PINI, "YES")'
THREE = 'field(FTVL, "LONG") field(NELM, "3") field(INP, "[7,8,9]") field(PINI, "YES")'


GAP = 'field(ZRST, "Off") field(TWST, "Hold")'
FILLED = 'field(ZRST, "Off") field(ONST, "Ramp") field(THST, "Hold")'
TWICE = 'field(ZRST, "A") field(ONST, "B") field(TWST, "B")'
ONCE = 'field(ZRST, "A") field(ONST, "B") field(TWST, "C")'
NAMED = 'field(ZNAM, "Off") field(ONAM, "On")'


class Case(NamedTuple):
    """A record when it is saved, the same when it is restored, and what is said of it; empty: it can be restored.

    `value` is read of it after the restore, if it differs from what was saved.
    """

    saved: tuple[str, str]
    restored: tuple[str, str]
    why: str = ""
    value: Any = None


def at(value: object, fields: str = "", *, kind: str = "ao") -> tuple[str, str]:
    return kind, f'field(VAL, "{value}") field(PINI, "YES") {fields}'


def long_text(size: int, room: int) -> tuple[str, str]:
    return "lso", f'field(SIZV, "{room}") field(DOL, {{const: "{"x" * size}"}}) field(PINI, "YES")'


CASES = {
    "LIMIT": Case(at(50), at(1, 'field(DRVH, "10") field(DRVL, "-10")'), "50 is beyond the control limits -10 to 10"),
    "LOW": Case(
        at(-11, kind="longout"),
        at(1, 'field(DRVH, "10") field(DRVL, "-10")', kind="longout"),
        "-11 is beyond the control limits -10 to 10",
    ),
    "AT_LIMIT": Case(at(10), at(1, 'field(DRVH, "10") field(DRVL, "-10")')),
    "HALF_LIMITED": Case(at(-10), at(1, 'field(DRVH, "0") field(DRVL, "0")')),
    "DISABLED": Case(at(2), at(1, 'field(DISP, "1")'), "its record refuses puts (DISP is 1)"),
    "HOLDS_DISABLED": Case(at(2), at(2, 'field(DISP, "1")'), "its record refuses puts (DISP is 1)"),
    "LOCKED": Case(at(2), at(1, 'field(ASG, "LOCKED")'), "no write access"),
    "MOVED": Case(at(1, LABELS, kind="mbbo"), at(0, MOVED, kind="mbbo"), value=2),
    "SAME_INDEX": Case(at(1, LABELS, kind="mbbo"), at(1, MOVED, kind="mbbo"), value=2),
    "GONE": Case(at(1, LABELS, kind="mbbo"), at(0, GONE, kind="mbbo"), "the PV has no state 'Ramp' now"),
    "UNNAMED": Case(
        at(1, GAP, kind="mbbo"), at(0, FILLED, kind="mbbo"), "state 1 had no label when it was stored, but is 'Ramp' now"
    ),
    "STILL_UNNAMED": Case(at(1, GAP, kind="mbbo"), at(0, GAP + 'field(THST, "New")', kind="mbbo")),
    "SHARED": Case(
        at(2, TWICE, kind="mbbo"),
        at(0, ONCE, kind="mbbo"),
        "state 2 was 'B' as other states were when it was stored, but is 'C' now",
    ),
    "BARE": Case(at(1, kind="bo"), at(0, NAMED, kind="bo")),
    "NO_STATE": Case(at(3, kind="longout"), at(0, NAMED, kind="bo"), "the PV has no state 3 now, only 2 states"),
    "STATE": Case(at(1, kind="longout"), at(0, NAMED, kind="bo")),
    "CUT": Case(
        long_text(50, 200), long_text(9, 50), "its text of 50 bytes does not fit in the 49 that the PV has room for"
    ),
    "FITS": Case(long_text(49, 200), long_text(9, 50)),
    "SHORTER": Case(("waveform", FIVE), ("waveform", THREE), "5 elements do not fit in the 3 that the PV has now"),
    "LONGER": Case(("waveform", THREE), ("waveform", FIVE)),
    "NUMBER": Case(at("orbit", kind="stringout"), at(1), "stored as STRING, but the PV is DOUBLE now"),
    "DIGITS": Case(at("12", kind="stringout"), at(1), "stored as STRING, but the PV is DOUBLE now"),
    "TEXT": Case(at(1.5), at("x", kind="stringout"), "stored as DOUBLE, but the PV is STRING now"),
    "FRACTION": Case(at(1.5), at(1, kind="longout"), "stored as DOUBLE, and 1.5 is no LONG, which the PV is now"),
    "WHOLE": Case(at(3), at(1, kind="longout")),
    "UDF_NOW": Case(at(4), ("ao", "")),
    "PLAIN": Case(at(5), at(1)),
}
BAD = [name for name, case in CASES.items() if case.why]


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


def record(name: str, made: tuple[str, str]) -> str:
    return f'record({made[0]}, "$(P){name}") {{ {made[1]} }}\n'


async def test_every_fault_of_a_record_stops_strict_and_is_left_out_by_best_effort(site: Site) -> None:
    ioc = site.ioc("".join(record(name, case.saved) for name, case in CASES.items()), ACF)
    desk = site.snapioc(list(CASES), ioc)
    saved = desk.machine()
    assert await desk.save() == 1001
    ioc.restart("".join(record(name, case.restored) for name, case in CASES.items()))
    await desk.until_connected()
    before = desk.machine()
    wanted = saved | {name: case.value for name, case in CASES.items() if case.value is not None}
    for name in BAD:
        await aioca.caput(f"{site.prefix}A:FILTER.VAL$", f"*:{name},*:PLAIN", wait=True)
        status = await desk.put("RESTORE_ID", 1001)
        assert status == PUTFAIL
        found = await desk.check(status, before, wanted)
        assert found["outcomes"] == {name: ("CANNOT", CASES[name].why), "PLAIN": ("NOT_WRITTEN", "")}
        assert (found["result"], found["written"], found["undo_id"]) == ("failed", 0, None)
        assert f"{site.machine}{name}: {CASES[name].why}" in found["message"]
        assert desk.machine() == before
    assert await desk.put("FILTER.VAL$", "") == 1
    status = await desk.put("RESTORE_ID", 1001)
    assert await desk.failures() == {name: CASES[name].why for name in BAD}
    await desk.check(status, before, wanted)
    assert desk.machine() == before
    assert await desk.put("POLICY", "Best effort") == 1
    status = await desk.put("RESTORE_ID", 1001)
    found = await desk.check(status, before, wanted)
    assert found["result"] == "partial"
    assert {pv for pv, (verdict, _) in found["outcomes"].items() if verdict == "RESTORED"} == set(CASES) - set(BAD)
    assert await desk.failures() == {name: CASES[name].why for name in BAD}


async def test_what_changes_on_a_running_ioc_is_seen(site: Site) -> None:
    changed = {
        "LIMIT": ("LIMIT__DRVH", 10.0, "50 is beyond the control limits 0 to 10"),
        "DISABLED": ("DISABLED__DISP", 1, "its record refuses puts (DISP is 1)"),
        "GONE": ("GONE__ONST", "Fast", "the PV has no state 'Ramp' now"),
        "LOCKED": ("GATE", 1, "no write access"),
    }
    made = {"LIMIT": at(50), "DISABLED": at(2), "GONE": at(1, LABELS, kind="mbbo"), "LOCKED": at(2, 'field(ASG, "GATED")')}
    gate = record("GATE", at(0, kind="longout"))
    desk = site.snapioc(list(made), site.ioc(gate + "".join(record(name, one) for name, one in made.items()), ACF))
    saved = desk.machine()
    await desk.save()
    before = {"LIMIT": 1.0, "DISABLED": 1.0, "GONE": 2, "LOCKED": 1.0}
    await desk.set(**before)
    await desk.set(**{field: value for field, value, _ in changed.values()})
    status = await desk.put("RESTORE_ID", 1001)
    found = await desk.check(status, before, saved)
    assert found["outcomes"] == {name: ("CANNOT", why) for name, (_, _, why) in changed.items()}
    assert desk.machine() == before
    await desk.set(GATE=0, LIMIT__DRVH=100.0, DISABLED__DISP=0, GONE__ONST="Ramp")
    status = await desk.put("RESTORE_ID", 1001)
    assert (await desk.check(status, before, saved))["result"] == "success"


RULES = """
record(ao, "$(P)NEVER_PROCESSED") { }
record(ao, "$(P)WRITTEN_ANYWAY") { }
record(ao, "$(P)READ_ONLY") { field(VAL, "2") field(PINI, "YES") }
record(ao, "$(P)PLAIN") { field(VAL, "5") field(PINI, "YES") }
"""


async def test_what_the_rules_leave_out_is_named_and_no_failure(site: Site) -> None:
    ioc = site.ioc(RULES)
    rows = ["NEVER_PROCESSED,,", "WRITTEN_ANYWAY,write,", "READ_ONLY,,ro", "PLAIN,,", "NOWHERE,,"]
    timeouts = "[channels]\nconnect_timeout = 0.5\nread_timeout = 1.0"
    desk = site.snapioc(rows, ioc, columns="pv,invalid,mode", settings=timeouts)
    real = desk.pvs[:4]
    saved = desk.machine(real)
    await desk.put("TRIGGER", 1)
    assert await desk.result() == "Partial"
    await desk.set(NEVER_PROCESSED=1.0, WRITTEN_ANYWAY=1.0, READ_ONLY=1.0, PLAIN=1.0)
    before = desk.machine(real)
    status = await desk.put("RESTORE_ID", 1001)
    found = await desk.check(status, before, saved)
    assert status == 1
    assert found["outcomes"] == {
        "NEVER_PROCESSED": ("LEFT_OUT", "stored with INVALID severity"),
        "WRITTEN_ANYWAY": ("RESTORED", ""),
        "READ_ONLY": ("LEFT_OUT", "read-only member"),
        "PLAIN": ("RESTORED", ""),
        "NOWHERE": ("LEFT_OUT", "missing in the snapshot: never connected"),
    }


async def test_a_dead_ioc_stops_strict_and_is_left_out_by_best_effort(site: Site) -> None:
    one, other = (site.ioc(f'record(ao, "$(P){name}") {{ {at(5)[1]} }}\n') for name in ("LIVES", "DIES"))
    desk = site.snapioc(["LIVES", "DIES"], one, other, settings="[channels]\nread_timeout = 1.0")
    saved = desk.machine()
    await desk.save()
    await desk.set(LIVES=1.0)
    other.kill()
    await desk.until_connected(missing=1)
    status = await desk.put("RESTORE_ID", 1001)
    found = await desk.check(status, {"LIVES": 1.0}, saved)
    assert found["outcomes"] == {"LIVES": ("NOT_WRITTEN", ""), "DIES": ("CANNOT", "disconnected")}
    assert await desk.put("POLICY", 1) == 1
    status = await desk.put("RESTORE_ID", 1001)
    found = await desk.check(status, {"LIVES": 1.0}, saved)
    assert found["outcomes"] == {"LIVES": ("RESTORED", ""), "DIES": ("CANNOT", "disconnected")}
    assert (status, found["result"]) == (PUTFAIL, "partial")
