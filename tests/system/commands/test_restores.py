"""restores and restore-log on a real store, as a person and a script call them."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import numpy as np
import pytest

from snapioc.cli import main
from snapioc.model import NewRestore, NewSnapshot, Origin, Outcomes, PvVerdict, RestoreEnd
from snapioc.store import SqlStore
from tests.system.commands.conftest import MAGNETS, RF, Facility, magnets
from tests.system.store import first_schema

Output = pytest.CaptureFixture[str]

OUTCOMES = Outcomes(
    np.arange(4, dtype=np.int32),
    np.array([PvVerdict.CLAMPED, PvVerdict.RESTORED, PvVerdict.LEFT_OUT, PvVerdict.UNCHANGED], np.uint8),
    {0: "holds 10.0 instead of 12.0", 2: "disconnected \x1b[2J"},
)


async def restore(url: str) -> None:
    """Three restores: a partial one of MAGNETS, its undo, which is still unfinished, and one of RF that was refused."""
    store = SqlStore(url)
    await store.open(migrate=True)
    new = NewRestore(1001, "MAGNETS", Origin("ann", "desk", "MAG"), "SR:*", "best effort", verify=False)
    first = await store.begin_restore(new, MAGNETS, NewSnapshot(MAGNETS, magnets(0.5, 0)))
    left = NewSnapshot(MAGNETS, magnets(10.0, 1))
    await store.end_restore(first.id, RestoreEnd("partial", "Restore of 1001: 1 of 2\nclamped", 2, OUTCOMES), left)
    undo = NewRestore(first.undo_id or 0, "MAGNETS", undoes=first.id)
    await store.begin_restore(undo, MAGNETS, NewSnapshot(MAGNETS, magnets(10.0, 1)))
    await store.end_restore((await store.begin_restore(NewRestore(1003, "RF"), RF)).id, RestoreEnd("failed", "no", 0))
    await store.close()


@pytest.fixture
def restored(filled: Facility) -> Facility:
    asyncio.run(restore(f"sqlite:///{filled.store}"))
    return filled


def test_restores_shows_the_newest_first(restored: Facility, capsys: Output) -> None:
    assert main(restored.arguments("restores")) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "begun", "set", "snapshot", "result", "written", "by", "undo", "filter", "message"]
    assert [row.split()[0] for row in rows] == ["3", "2", "1"]
    assert rows[0].split()[2:] == ["RF", "1003", "failed", "0", "no"]
    assert rows[1].split()[2:] == ["MAGNETS", "1004", "unfinished", "0", "1006"]
    assert rows[2].split()[2:9] == ["MAGNETS", "1001", "partial", "2", "ann@desk", "1004", "SR:*"]
    assert rows[2].endswith("Restore of 1001: 1 of 2\\x0aclamped")
    assert datetime.fromisoformat(rows[2].split()[1]).tzinfo is not None


def test_restores_of_one_set_and_a_few(restored: Facility, capsys: Output) -> None:
    assert main(restored.arguments("restores", "--json", "--set", "MAGNETS")) == 0
    newest, oldest = json.loads(capsys.readouterr().out)
    assert (newest["id"], newest["ended"], newest["result"], newest["undoes"]) == (2, None, None, 1)
    assert (oldest["id"], oldest["undo_id"], oldest["after_id"], oldest["host"]) == (1, 1004, 1005, "desk")
    assert main(restored.arguments("restores", "--json", "--limit", "1")) == 0
    assert [record["id"] for record in json.loads(capsys.readouterr().out)] == [3]


def test_no_restores_is_1(restored: Facility, capsys: Output) -> None:
    assert main(restored.arguments("restores", "--set", "NONE", "--json")) == 1
    output = capsys.readouterr()
    assert (output.out, output.err) == ("[]\n", "snapioc restores: there is no restore of set NONE\n")


def test_no_restores_yet(filled: Facility, capsys: Output) -> None:
    assert main(filled.arguments("restores")) == 1
    assert capsys.readouterr().err == "snapioc restores: there is no restore yet\n"


def test_the_log_tells_who_and_how_and_what_became_of_each_pv(restored: Facility, capsys: Output) -> None:
    assert main(restored.arguments("restore-log", "1")) == 0
    lines = capsys.readouterr().out.splitlines()
    header, rows = lines[: lines.index("")], lines[lines.index("") + 1 :]
    known = {line[:12].strip(): line[14:] for line in header}
    assert datetime.fromisoformat(known.pop("begun")) <= datetime.fromisoformat(known.pop("ended"))
    assert known == {
        "restore": "1",
        "snapshot": "1001",
        "set": "MAGNETS",
        "by": "ann@desk",
        "group": "MAG",
        "filter": "SR:*",
        "policy": "best effort",
        "changed only": "yes",
        "verify": "no",
        "before it": "snapshot 1004",
        "left by it": "snapshot 1005",
        "result": "partial",
        "message": "Restore of 1001: 1 of 2\\x0aclamped",
        "written": "2",
        "PVs": "1 clamped, 1 restored, 1 left out, 1 unchanged",
    }
    assert [row.split() for row in rows] == [
        ["pv", "verdict", "text"],
        ["SR:QF1", "clamped", "holds", "10.0", "instead", "of", "12.0"],
        ["SR:NOTE", "restored"],
        ["SR:DEAD", "left", "out", "disconnected", "\\x1b[2J"],
        ["SR:MODE", "unchanged"],
    ]


def test_the_log_of_an_unfinished_restore(restored: Facility, capsys: Output) -> None:
    assert main(restored.arguments("restore-log", "2")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "restore       2, takes back restore 1"
    assert "result        unfinished" in lines
    assert "" not in lines
    assert main(restored.arguments("restore-log", "2", "--failed", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["outcomes"] == []


@pytest.mark.parametrize(
    ("more", "pvs"),
    [
        ([], ["SR:QF1", "SR:NOTE", "SR:DEAD", "SR:MODE"]),
        (["--failed"], ["SR:QF1"]),
        (["--changed"], ["SR:QF1", "SR:NOTE", "SR:DEAD"]),
        (["--filter", "SR:*,!*NOTE"], ["SR:QF1", "SR:DEAD", "SR:MODE"]),
        (["--filter", "*MODE", "--failed"], []),
    ],
)
def test_the_log_in_json(restored: Facility, capsys: Output, more: list[str], pvs: list[str]) -> None:
    assert main(restored.arguments("restore-log", "1", "--json", *more)) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["id"], content["policy"], content["verify"]) == (1, "best effort", False)
    assert [outcome["pv"] for outcome in content["outcomes"]] == pvs
    if "SR:QF1" in pvs:
        assert content["outcomes"][0] == {"pv": "SR:QF1", "verdict": "CLAMPED", "text": "holds 10.0 instead of 12.0"}


def test_what_is_not_there_is_1(restored: Facility, capsys: Output) -> None:
    assert main(restored.arguments("restore-log", "9")) == 1
    assert capsys.readouterr().err == "snapioc restore-log: there is no restore 9\n"
    assert main(restored.arguments("restore-log", "1", "--filter", "NONE*")) == 1
    assert "'NONE*' matches none of the 4 PVs" in capsys.readouterr().err


def test_a_store_of_an_older_schema_is_left_as_it_is(facility: Facility, capsys: Output) -> None:
    first_schema.put_at(facility.store)
    before = facility.store.read_bytes()
    for command in (["restores"], ["restore-log", "1"]):
        assert main(facility.arguments(*command)) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"snapioc {command[0]}: the store is of an older snapioc")
        assert error.endswith("start the IOC once to bring it up to date\n")
    assert facility.store.read_bytes() == before
