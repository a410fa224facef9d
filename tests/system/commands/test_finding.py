"""list with its filters, audit and events on a real store, as a person and a script call them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from snapioc.cli import main
from snapioc.model import AUTOMATIC, EPICS_EPOCH, DbrType, Events, NewSnapshot, Origin, Readings, ReadingsBuilder, Reason
from snapioc.store import SqlStore
from tests.system.commands.conftest import MAGNETS, RF, Facility, magnets, rf
from tests.system.store import second_schema

Output = pytest.CaptureFixture[str]


def happened() -> Readings:
    builder = ReadingsBuilder(3)
    builder.add(0, DbrType.DOUBLE, 1.5, seconds=100, nanoseconds=123_456_789, severity=2)
    builder.add(1, DbrType.STRING, b"a note", seconds=101)
    builder.missing(2, Reason.DISCONNECTED)
    return builder.build()


async def more(url: str) -> None:
    """After 1001 to 1003: an automatic snapshot of MAGNETS (1004) and a window snapshot of RF (1006); 1005 is deleted."""
    store = SqlStore(url)
    await store.open(migrate=True)
    await store.save(NewSnapshot(MAGNETS, magnets(2.0, 1), kind=AUTOMATIC))
    await store.save(NewSnapshot(RF, rf(), title="wrong\x1b[2J"))
    await store.save(NewSnapshot(MAGNETS, magnets(2.0, 1), AUTOMATIC, events=Events(np.array([0, 1, 0]), happened())))
    await store.edit(1001, Origin("bob", "hut"), title="golden", tags=("golden",))
    await store.delete(1005, Origin("cid"))
    await store.close()


@pytest.fixture
def busy(filled: Facility) -> Facility:
    asyncio.run(more(f"sqlite:///{filled.store}"))
    return filled


def found(facility: Facility, capsys: Output, *argv: str) -> list[int]:
    code = main(facility.arguments("list", "--json", *argv))
    headers = json.loads(capsys.readouterr().out)
    assert code == (0 if headers else 1)
    return [header["id"] for header in headers]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], [1003, 1001]),
        (["--kind", "manual"], [1003, 1001]),
        (["--kind", "automatic"], [1006, 1004]),
        (["--kind", "all"], [1006, 1004, 1003, 1001]),
        (["--kind", "undo"], [1002]),
        (["--kind", "automatic", "--undo"], [1006, 1004, 1002]),
        (["--kind", "all", "--limit", "2"], [1006, 1004]),
        (["--title", "GOLD"], [1001]),
        (["--title", "g*n"], [1001]),
        (["--title", "old*"], []),
        (["--tag", "golden"], [1001]),
        (["--tag", "user"], []),
        (["--pv", "SR:QF1.VAL", "--kind", "all"], [1006, 1004, 1001]),
        (["--pv", "RF:AMP"], [1003]),
        (["--pv", "RF:AMP", "--set", "MAGNETS"], []),
        (["--until", "1970-01-02"], [1003, 1001]),
        (["--since", "1970-01-02"], []),
        (["--since", "1960-01-01T00:00:00Z", "--until", "1970-01-02T12:30+01:00"], [1003, 1001]),
    ],
)
def test_list_finds(busy: Facility, capsys: Output, argv: list[str], expected: list[int]) -> None:
    assert found(busy, capsys, *argv) == expected


def test_what_is_not_found_is_told(busy: Facility, capsys: Output) -> None:
    for argv, sentence in (
        (["--tag", "none"], "there is no such snapshot"),
        (["--set", "RF", "--kind", "automatic"], "there is no automatic snapshot of set RF"),
        (["--set", "NONE", "--kind", "undo"], "there is no undo snapshot of set NONE"),
    ):
        assert main(busy.arguments("list", *argv)) == 1
        assert capsys.readouterr().err == f"snapioc list: {sentence}\n"


@pytest.mark.parametrize("argv", [("--since", "soon"), ("--until", "2026-02-31"), ("--kind", "golden")])
def test_what_list_does_not_understand_is_2(busy: Facility, capsys: Output, argv: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(busy.arguments("list", *argv))
    assert ended.value.code == 2
    assert argv[1] in capsys.readouterr().err


def test_audit_tells_who_changed_what(busy: Facility, capsys: Output) -> None:
    assert main(busy.arguments("audit")) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["time", "by", "subject", "what", "before", "after"]
    assert [row.split()[1:5] for row in rows] == [
        ["cid", "snapshot", "1005", "deleted"],
        ["bob@hut", "snapshot", "1001", "tags"],
        ["bob@hut", "snapshot", "1001", "title"],
    ]
    assert "wrong\\x1b[2J" in rows[0]
    assert rows[1].split()[5:] == ["golden,", "user", "golden"]
    assert rows[2].split()[5:] == ["golden\\x0ashot", "golden"]
    assert datetime.fromisoformat(rows[0].split()[0]).tzinfo is not None


def test_audit_of_one_snapshot_in_json(busy: Facility, capsys: Output) -> None:
    assert main(busy.arguments("audit", "1001", "--json", "--limit", "1")) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry.pop("time")
    known = {"user": "bob", "host": "hut", "group": "", "subject": "snapshot 1001"}
    assert entry == known | {"what": "tags", "before": "golden, user", "after": "golden"}


def test_audit_of_what_nobody_touched_is_1(busy: Facility, capsys: Output) -> None:
    assert main(busy.arguments("audit", "1003")) == 1
    assert capsys.readouterr().err == "snapioc audit: nothing of snapshot 1003 was edited or deleted\n"
    assert main(busy.arguments("audit", "1003", "--json")) == 1
    assert capsys.readouterr().out == "[]\n"


def test_events_are_shown_in_their_order(busy: Facility, capsys: Output) -> None:
    assert main(busy.arguments("events", "1006")) == 0
    head, first, second, third = capsys.readouterr().out.splitlines()
    assert head.split() == ["time", "pv", "value", "severity"]
    time, *rest = first.split()
    assert rest == ["SR:QF1", "1.5", "MAJOR"]
    assert datetime.fromisoformat(time) == datetime.fromtimestamp(EPICS_EPOCH + 100, UTC).replace(microsecond=123_456)
    assert second.split()[1:] == ["SR:NOTE", '"a', 'note"']
    assert third.split() == ["SR:QF1", "[disconnected]"]


def test_events_in_json_and_filtered(busy: Facility, capsys: Output) -> None:
    assert main(busy.arguments("events", "1006", "--json", "--filter", "*QF1")) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["id"], content["kind"]) == (1006, "automatic")
    first, last = content["events"]
    assert (first["pv"], first["value"], first["severity"]) == ("SR:QF1", 1.5, "MAJOR")
    assert ".123456789" in first["time"]
    assert last == {"pv": "SR:QF1", "reason": "disconnected"}


def test_events_of_what_has_none_is_1(busy: Facility, capsys: Output) -> None:
    for number, sentence in (
        (1001, "snapshot 1001 is no window snapshot: it has values, but no events"),
        (1005, "there is no snapshot 1005"),
    ):
        assert main(busy.arguments("events", str(number))) == 1
        assert capsys.readouterr().err == f"snapioc events: {sentence}\n"


@pytest.mark.parametrize("argv", [("list",), ("audit",), ("events", "1001")])
def test_reading_an_older_store_never_migrates_it(facility: Facility, capsys: Output, argv: tuple[str, ...]) -> None:
    second_schema.put_at(facility.store)
    before = facility.store.read_bytes()
    assert main(facility.arguments(*argv)) == 1
    assert "of an older snapioc" in capsys.readouterr().err
    assert facility.store.read_bytes() == before
