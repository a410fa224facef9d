"""COMPARE_ID on real records of every type, as pyepics and caproto's tools see it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aioca
import pytest

from tests.helpers.clients import Pyepics, caproto_tool
from tests.helpers.iocs import SoftIoc
from tests.helpers.snapioc_process import SnapiocProcess

from .conftest import Start
from .test_commands import PUTFAIL, _busy, database, names, put, text, until

pytestmark = pytest.mark.usefixtures("ca")

LABELS = 'field(ZRST, "Off") field(ONST, "Ramp") field(TWST, "Hold")'
TWO = 'field(ZNAM, "Off") field(ONAM, "On")'
LONG_TEXT = "a text of more than thirty-nine bytes, which is long"

# Name: record type, fields, what is put later, and its line in DIFFERENCES without the name.
RECORDS: dict[str, tuple[str, str, Any, str]] = {
    "AI": ("ai", 'field(VAL, "1")', 2.5, "1.0\t2.5\t+1.5"),
    "AO": ("ao", 'field(VAL, "1")', 0.25, "1.0\t0.25\t-0.75"),
    "CALC": ("calc", 'field(CALC, "7")', None, "0.0\t7.0\t+7"),
    "DFANOUT": ("dfanout", "", 3.0, "0.0\t3.0\t+3"),
    "SEL": ("sel", 'field(SELM, "High Signal")', None, "0.0\t-inf\tother value"),
    "LONGIN": ("longin", 'field(VAL, "-2147483648")', 2147483647, "-2147483648\t2147483647\t+4.29497e+09"),
    "LONGOUT": ("longout", 'field(VAL, "1")', 0, "1\t0\t-1"),
    "INT64IN": ("int64in", "", 2**53, "0.0\t9007199254740992.0\t+9.0072e+15"),
    "INT64OUT": ("int64out", "", -5, "0.0\t-5.0\t-5"),
    "BI": ("bi", TWO, 1, "Off (0)\tOn (1)\tother value"),
    "BO": ("bo", TWO, 1, "Off (0)\tOn (1)\tother value"),
    "MBBI": ("mbbi", LABELS, 2, "Off (0)\tHold (2)\tother value"),
    "MBBO": ("mbbo", LABELS, 1, "Off (0)\tRamp (1)\tother value"),
    "MBBODIRECT": ("mbboDirect", "", 5, "0\t5\t+5"),
    "STRINGIN": ("stringin", 'field(VAL, "a")', "b", '"a"\t"b"\tother value'),
    "STRINGOUT": ("stringout", 'field(VAL, "a\\"b")', "c\td", '"a"b"\t"c\\x09d"\tother value'),
    "LSO": ("lso", 'field(SIZV, "100")', LONG_TEXT.encode() + b"\0", f'""\t"{LONG_TEXT}"\tother value'),
    "WAVE": (
        "waveform",
        'field(FTVL, "DOUBLE") field(NELM, "3") field(INP, "[1,2,3]")',
        [1.0, 2.5, 3.0],
        "[1.0, 2.0, 3.0] (3)\t[1.0, 2.5, 3.0] (3)\t1 of 3 elements, at most 0.5",
    ),
    "FLOATS": (
        "waveform",
        'field(FTVL, "FLOAT") field(NELM, "1") field(INP, "[0.1]")',
        [0.35],
        "0.1\t0.35\t+0.25",
    ),
    "SHORTER": (
        "waveform",
        'field(FTVL, "LONG") field(NELM, "3") field(INP, "[1,2,3]")',
        [1, 2],
        "[1, 2, 3] (3)\t[1, 2] (2)\t3 -> 2 elements",
    ),
    "BYTES": (
        "waveform",
        'field(FTVL, "UCHAR") field(NELM, "2") field(INP, "[1,255]")',
        [255, 1],
        "[1, 255] (2)\t[255, 1] (2)\t2 of 2 elements, at most 254",
    ),
    "CHARS": (
        "waveform",
        'field(FTVL, "CHAR") field(NELM, "8")',
        list(b"a text"),
        '[] (0)\t"a text" (char array of 6)\t0 -> 6 elements',
    ),
    "STRINGS": (
        "waveform",
        'field(FTVL, "STRING") field(NELM, "2") field(INP, ["a","b"])',
        ["a", "c"],
        '["a", "b"] (2)\t["a", "c"] (2)\tother value',
    ),
    "AAI": ("aai", 'field(FTVL, "SHORT") field(NELM, "2")', [1, 2], "[] (0)\t[1, 2] (2)\t0 -> 2 elements"),
    "AAO": ("aao", 'field(FTVL, "DOUBLE") field(NELM, "1")', [1.0], "[] (0)\t1.0\t0 -> 1 elements"),
}


def record(prefix: str, name: str) -> str:
    kind, fields, _, _ = RECORDS[name]
    return f'record({kind}, "{prefix}{name}") {{ {fields} }}\n'


async def change(prefix: str) -> None:
    for name, (_, _, value, _) in RECORDS.items():
        if value is None:
            await aioca.caput(f"{prefix}{name}.PROC", 1, wait=True)
        elif isinstance(value, bytes):
            await aioca.caput(f"{prefix}{name}.VAL$", list(value), datatype=aioca.DBR_CHAR, wait=True)
        else:
            await aioca.caput(f"{prefix}{name}", value, wait=True)


async def found(group: str) -> dict[str, str]:
    """The lines of DIFFERENCES by PV."""
    lines = (await text(f"{group}DIFFERENCES")).splitlines()
    return dict(line.split("\t", 1) for line in lines)


async def counts(group: str) -> tuple[int, ...]:
    return tuple([int(await aioca.caget(f"{group}{name}")) for name in ("N_EQUAL", "N_DIFFERENT", "N_UNKNOWN")])


async def test_every_type_of_record_with_the_live_machine_and_with_a_snapshot(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    prefix = "M:" + pv_prefix
    machine = start_ioc("".join(record(prefix, name) for name in RECORDS))
    ioc = start_snapioc({"A": [prefix + name for name in RECORDS]}, machine.address)
    group, console = f"{pv_prefix}A:", pv_prefix
    expected = {prefix + name: known[3] for name, known in RECORDS.items()}
    with Pyepics([ioc.address]) as client:
        assert client.put(f"{group}TRIGGER", 1) == 1
        assert client.put(f"{group}COMPARE_ID", 1001) == 1
        assert (client.get(f"{group}N_EQUAL"), client.get(f"{group}DIFFERENCES.VAL$", as_string=True)) == (len(RECORDS), "")
        assert client.get(f"{group}N_DIFFERENT.SEVR") == 0
        await change(prefix)
        assert client.put(f"{group}COMPARE_ID", "1001") == 1
        assert client.get(f"{group}COMPARE_ID") == 1001
        assert client.get(f"{group}RESULT", as_string=True) == "Success"
        assert client.get(f"{group}MESSAGE.VAL$", as_string=True).startswith(
            "Compared 1001 with the live machine: 0 equal, "
        )
    assert await counts(group) == (0, len(RECORDS), 0)
    assert await found(group) == expected
    severity = ("--format", "{response.metadata.severity}", "-d", "control")
    shown = caproto_tool("caproto-get", *severity, f"{group}N_DIFFERENT", addresses=[ioc.address])
    assert shown.stdout.strip() == "1", shown.stderr  # MINOR
    # And the same from two snapshots, through the console and another client.
    assert await put(f"{group}TRIGGER", 1) == 1
    for name, value in (("COMPARE_WITH", "1002"), ("COMPARE_ID", "1001")):
        ended = caproto_tool(
            "caproto-put", "--notify", "--timeout", "60", f"{console}{name}", value, addresses=[ioc.address]
        )
        assert ended.returncode == 0, ended.stderr
    assert await counts(console) == (0, len(RECORDS), 0)
    assert await found(console) == expected


async def test_states_are_compared_by_the_labels_that_they_have_now(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    moved, renamed = f"M:{pv_prefix}MOVED", f"M:{pv_prefix}RENAMED"
    machine = start_ioc("".join(f'record(mbbo, "{pv}") {{ {LABELS} field(VAL, "1") }}\n' for pv in (moved, renamed)))
    start_snapioc({"A": [moved, renamed]}, machine.address)
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    for number in range(10):
        # The first goes with its label, the second keeps its index and gets another label.
        fields = [f"{moved}.ONST", f"{moved}.TWST", moved, f"{renamed}.ONST"]
        await aioca.caput(fields, ["Hold", "Ramp", 2, f"Other {number}"], wait=True)
        assert await put(f"{pv_prefix}COMPARE_ID", 1001) == 1
        assert await found(pv_prefix) == {renamed: f"Ramp (1)\tOther {number} (1)\tother value"}
        await aioca.caput(fields, ["Ramp", "Hold", 1, "Ramp"], wait=True)
        assert await put(f"{pv_prefix}COMPARE_ID", 1001) == 1
        assert await counts(pv_prefix) == (2, 0, 0)


async def test_the_results_are_there_when_ops_and_the_put_tell_of_them(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 10))
    ioc = start_snapioc({"A": names("M:" + pv_prefix, 10)}, machine.address)
    group = f"{pv_prefix}A:"
    watched = ["N_DIFFERENT", "N_EQUAL", "RESULT", "OPS", "STATUS"]
    with Pyepics([ioc.address]) as client:
        assert client.put(f"{group}TRIGGER", 1) == 1
        for name in watched:
            client.monitor(f"{group}{name}")
        client.sleep(0.5)
        client.take()
        for number in (1, 1, 2):
            await aioca.caput(f"M:{pv_prefix}{number}", 100 + number, wait=True)
            assert client.put(f"{group}COMPARE_ID", 1001) == 1
            events = [(name.removeprefix(group), value) for name, value in client.take()]
            # Also what is equal to the last time is posted: it belongs to this operation.
            assert events.count(("N_DIFFERENT", number)) == events.count(("N_EQUAL", 10 - number)) == 1
            order = [name for name, _ in events if name in ("N_DIFFERENT", "N_EQUAL", "RESULT", "OPS")]
            assert order[-1] == "OPS"
            assert ("STATUS", 7) in events
            assert events[-1] == ("STATUS", 0)


async def test_ids_are_taken_and_refused_as_those_of_a_restore(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 6))
    pvs = names("M:" + pv_prefix, 6)
    start_snapioc({"A": pvs[:4], "B": pvs[2:]}, machine.address)
    for name in ("A", "B"):
        assert await put(f"{pv_prefix}{name}:TRIGGER", 1) == 1
    group = f"{pv_prefix}A:"
    bad = ("", "1001.5", 1001.5, "4294967308", -1, "x", 1, 9999, 1002)
    for value in bad:
        assert await put(f"{group}COMPARE_ID", value) == PUTFAIL, value
    assert await aioca.caget(f"{group}COMPARE_ID") == 0
    for value in (-1, "-1", "x", 0.5):
        assert await put(f"{group}COMPARE_WITH", value) == PUTFAIL, value
    assert "is no whole number" in await text(f"{group}REFUSED_WHY")
    assert await put(f"{group}COMPARE_ID", 0) == 1
    assert (await aioca.caget(f"{group}OPS"), await aioca.caget(f"{group}REFUSED")) == (1, len(bad) + 4)
    for other, why in ((9999, "no snapshot 9999"), (1002, "1002 is of the set B")):
        assert await put(f"{group}COMPARE_WITH", other) == 1
        assert await put(f"{group}COMPARE_ID", 1001) == PUTFAIL
        assert why in await text(f"{group}REFUSED_WHY")
    assert (await aioca.caget(f"{group}OPS"), await aioca.caget(f"{group}COMPARE_ID")) == (1, 0)
    # The console takes snapshots of any set.
    assert await put(f"{pv_prefix}COMPARE_WITH", 1002) == 1
    assert await put(f"{pv_prefix}COMPARE_ID", 1001) == 1
    assert await counts(pv_prefix) == (2, 4, 0)
    assert await aioca.caget(f"{pv_prefix}RESULT") == 2
    failures = dict(line.split("\t") for line in (await text(f"{pv_prefix}FAILURES")).splitlines())
    assert failures[pvs[0]] == "not part of this snapshot (1002)"


async def test_a_dead_ioc_makes_it_partial_and_no_ioc_at_all_a_failed_put(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    one, two = start_ioc(database("ONE:" + pv_prefix, 3)), start_ioc(database("TWO:" + pv_prefix, 2))
    pvs = names("ONE:" + pv_prefix, 3) + names("TWO:" + pv_prefix, 2)
    never = f"NEVER:{pv_prefix}"
    settings = "[channels]\nread_timeout = 1.0\nconnect_timeout = 1.0"
    start_snapioc({"A": [*pvs, never]}, one.address, two.address, settings=settings)
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    two.kill()
    await until(lambda: _is_gone(pv_prefix, 3))
    assert await put(f"{pv_prefix}COMPARE_ID", 1001) == 1
    assert (await counts(pv_prefix), await aioca.caget(f"{pv_prefix}RESULT")) == ((3, 2, 1), 2)
    assert (await aioca.caget(f"{pv_prefix}N_DONE"), await aioca.caget(f"{pv_prefix}N_FAILED")) == (3, 3)
    assert (await found(pv_prefix))[pvs[4]] == "1.0\t[disconnected]\tmissing on one side"
    failures = dict(line.split("\t") for line in (await text(f"{pv_prefix}FAILURES")).splitlines())
    assert failures == {
        pvs[3]: "disconnected (live)",
        pvs[4]: "disconnected (live)",
        never: "never connected (1001), never connected (live)",
    }
    one.kill()
    await until(lambda: _is_gone(pv_prefix, 6))
    assert await put(f"{pv_prefix}COMPARE_ID", 1001) == PUTFAIL
    assert (await counts(pv_prefix), await aioca.caget(f"{pv_prefix}RESULT")) == ((0, 5, 1), 3)
    assert "none of 6 PVs is there on both sides" in await text(f"{pv_prefix}MESSAGE")


async def _is_gone(prefix: str, count: int) -> bool:
    return bool(await aioca.caget(f"{prefix}PVS_DISCONNECTED") == count)


async def test_no_compare_with_the_machine_during_the_restore_of_a_shared_pv_and_abort(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 6))
    pvs = names("M:" + pv_prefix, 6)
    settings = "[channels]\nwrite_timeout = 30.0\nread_timeout = 30.0"
    # A hung IOC counts as disconnected after this time only, however long this test takes.
    sets = {"A": pvs[:4], "B": pvs[3:]}
    start_snapioc(sets, machine.address, settings=settings, EPICS_CA_CONN_TMO="300")
    for name in ("A", "B"):
        assert await put(f"{pv_prefix}{name}:TRIGGER", 1) == 1
    machine.stop()  # so that the restore takes its time
    restore = asyncio.create_task(put(f"{pv_prefix}A:RESTORE_ID", 1001))
    await until(lambda: _busy(f"{pv_prefix}A:STATUS"))
    assert await put(f"{pv_prefix}B:COMPARE_ID", 1002) == PUTFAIL
    why = await text(f"{pv_prefix}B:REFUSED_WHY")
    assert "the restore of 1001 by A is running" in why
    assert pvs[3] in why
    await put(f"{pv_prefix}B:COMPARE_WITH", 1002)
    assert await put(f"{pv_prefix}B:COMPARE_ID", 1002) == 1
    await put(f"{pv_prefix}A:ABORT", 1)
    assert await restore == PUTFAIL
    await put(f"{pv_prefix}B:COMPARE_WITH", 0)
    compare = asyncio.create_task(put(f"{pv_prefix}B:COMPARE_ID", 1002))
    await until(lambda: _is_comparing(f"{pv_prefix}B:STATUS"))
    assert await put(f"{pv_prefix}B:ABORT", 1) == 1
    assert await compare == PUTFAIL
    assert await aioca.caget(f"{pv_prefix}B:RESULT") == 4
    assert await aioca.caget(f"{pv_prefix}B:PROGRESS") < 100
    machine.cont()


async def _is_comparing(name: str) -> bool:
    return bool(await aioca.caget(name) == 7)


async def test_more_differences_than_a_text_holds_and_the_command_that_shows_all(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 1200))
    pvs = names("M:" + pv_prefix, 1200)
    ioc = start_snapioc({"A": pvs}, machine.address)
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    # The first has changed most: 100 % of it.
    await aioca.caput(pvs[1:], [number * (1.0 + 1.0 / number) for number in range(1, 1200)], wait=True)
    assert await put(f"{pv_prefix}COMPARE_ID", 1001) == 1
    assert await counts(pv_prefix) == (1, 1199, 0)
    whole = await text(f"{pv_prefix}DIFFERENCES")
    *lines, note = whole.splitlines()
    assert note == f"... and {1199 - len(lines)} more: snapioc diff 1001 live"
    assert 15_000 < len(whole.encode()) <= 16_000
    assert [line.split("\t")[0] for line in lines] == pvs[1 : len(lines) + 1]
    everything = json.loads(await asyncio.to_thread(diff, ioc, "1001", "live", "--json"))
    assert [difference["pv"] for difference in everything["differences"]] == pvs[1:]


def diff(ioc: SnapiocProcess, *arguments: str) -> str:
    """What `snapioc diff` prints beside the running IOC."""
    command = [sys.executable, "-m", "snapioc", "diff", *arguments, "--config", str(ioc.config)]
    environment = os.environ | {"EPICS_CA_ADDR_LIST": " ".join(ioc.machine)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stderr
    return ended.stdout


async def test_setpoint_and_readback_and_the_tolerances_of_the_time_of_the_snapshot(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str, tmp_path: Path
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 2))
    setpoint, readback = names("M:" + pv_prefix, 2)
    ioc = start_snapioc({"A": [setpoint]}, machine.address)

    def reconfigure(tolerance: float) -> None:
        ioc.kill()
        (tmp_path / "A.csv").write_text(f"pv,readback,abs_tol\n{setpoint},{readback},{tolerance}\n")
        ioc.config.write_text(ioc.config.read_text().replace("A.req", "A.csv"))
        ioc.start()

    reconfigure(0.5)
    assert await _again(f"{pv_prefix}TRIGGER") == 1
    await aioca.caput([setpoint, readback], [0.4, 2.0], wait=True)
    reconfigure(9.0)
    for _ in range(2):
        assert await _again(f"{pv_prefix}COMPARE_ID", 1001) == 1
        assert await found(pv_prefix) == {readback: "1.0\t2.0\t+1"}
        assert await counts(pv_prefix) == (1, 1, 0)


async def _again(name: str, value: int = 1) -> int:
    """A put to a server that was just started anew."""
    await aioca.connect(name)
    return await put(name, value)
