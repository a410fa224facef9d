"""LIST, SEL, HIST and DIFF on real IOCs, at two consoles, as pyepics and caproto's tools see them."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import caproto as ca
import pytest

from tests.helpers.clients import Pyepics, caproto_tool
from tests.helpers.iocs import SoftIoc, free_port
from tests.helpers.raw_client import STRING, RawClient
from tests.helpers.snapioc_process import SnapiocProcess

COUNT = 45

OTHERS = """
record(mbbo, "M:STATE") { field(ZRST, "Off") field(ONST, "Ramp") }
record(stringout, "M:TEXT") { field(VAL, "some words") }
record(waveform, "M:WAVE") { field(FTVL, "DOUBLE") field(NELM, "8") field(INP, "[4,5,6]") }
record(ao, "M:NEVER_PROCESSED") { field(EGU, "A") }
"""


def database() -> str:
    numbers = (f'record(ao, "M:{i:02}") {{ field(VAL, "{i}") field(PINI, "YES") field(EGU, "mA") }}\n' for i in range(COUNT))
    return "".join(numbers) + OTHERS


class World:
    """A machine, snapioc with the consoles OP1 and OP2 on it, and pyepics at both."""

    def __init__(self, machine: SoftIoc, ioc: SnapiocProcess, pyepics: Pyepics) -> None:
        self.machine, self.ioc, self.pyepics = machine, ioc, pyepics

    def get(self, name: str, **options: Any) -> Any:
        long = name.endswith("$")
        return self.pyepics.get(f"F:{name}", **({"as_string": True} if long else {}), **options)

    def put(self, name: str, value: Any) -> None:
        assert self.pyepics.put(f"F:{name}", value) == 1

    def set(self, pv: str, value: Any) -> None:
        assert self.pyepics.put(pv, value) == 1

    def refusal(self, console: str, name: str, value: Any) -> str:
        """Put what is refused; the reason."""
        before = self.get(f"{console}REFUSED")
        self.put(f"{console}{name}", value)
        assert self.get(f"{console}REFUSED") == before + 1
        return str(self.get(f"{console}REFUSED_WHY.VAL$"))

    def until(self, check: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not check():
            assert time.monotonic() < deadline, "it never came to be"
            time.sleep(0.05)

    def save(self, title: str = "", tags: str = "", group: str = "") -> int:
        """Save through a group; the id."""
        for name, value in (("TITLE", title), ("TAGS", tags)):
            if value:
                self.put(f"{group}{name}.VAL$", value)
        self.put(f"{group}TRIGGER", 1)
        return int(self.get(f"{group}LAST_ID"))

    def ids(self, console: str = "") -> list[int]:
        """What stands in the rows of the list, as far as there is something."""
        rows = [self.get(f"{console}LIST:{row}:ID") for row in range(1, 21)]
        found = [row for row in rows if row]
        assert rows == found + [0] * (20 - len(found))
        return found

    def clear(self, console: str = "") -> None:
        """Look at nothing, and let all pass."""
        self.put(f"{console}SEL:ID", 0)
        for name in ("TITLE", "TAG", "SET", "SINCE", "UNTIL", "PV"):
            self.put(f"{console}LIST:{name}", "")
        self.put(f"{console}LIST:KIND", "Hand-made")

    def sql(self, query: str) -> list[Any]:
        with sqlite3.connect(self.ioc.folder / "snapshots.db") as connection:
            return connection.execute(query).fetchall()


def configuration(folder: Path) -> str:
    numbers = [f"M:{i:02}" for i in range(COUNT)]
    (folder / "A.req").write_text("\n".join(numbers) + "\n")
    (folder / "B.req").write_text("M:STATE\nM:TEXT\nM:WAVE\nM:NEVER_PROCESSED\nM:MISSING\n")
    return """
[ioc]
prefix = "F:"
consoles = ["OP1", "OP2"]
[store]
url = "sqlite:///snapshots.db"
[channels]
connect_timeout = 1.0
read_timeout = 1.0
[[set]]
name = "A"
files = ["A.req"]
[[set]]
name = "B"
files = ["B.req"]
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("finding")
    with (
        SoftIoc(database()) as machine,
        SnapiocProcess(folder, configuration(folder), free_port(), [machine.address]) as ioc,
        Pyepics([machine.address, ioc.address]) as pyepics,
    ):
        yield World(machine, ioc, pyepics)


def test_every_filter_finds_what_it_says(world: World) -> None:
    world.clear()
    tuned = world.save("Beam tuned at 3 GeV", "golden, shift 2", "A:")
    other = world.save("Dump", "", "B:")
    for name, value, found in (
        ("TITLE", "TUNED", [tuned]),
        ("TITLE", "dum?", [other]),
        ("TAG", "shift 2", [tuned]),
        ("TAG", "shift", []),
        ("SET", "B", [other]),
        ("PV", "M:STATE.VAL", [other]),
        ("PV", "M:07", [tuned]),
        ("SINCE", "today", [other, tuned]),
        ("UNTIL", "yesterday", []),
        ("SINCE", "1h", [other, tuned]),
        ("UNTIL", datetime.now().astimezone().isoformat(timespec="seconds")[:10], [other, tuned]),
        ("KIND", "Automatic", []),
    ):
        world.put(f"LIST:{name}", value)
        mine = [each for each in world.ids() if each >= tuned]
        assert mine == found, (name, value)
        assert not found or world.get("LIST:COUNT") >= len(found)
        world.clear()


def test_a_row_says_what_is_known_of_a_snapshot(world: World) -> None:
    world.clear()
    number = world.save("a title that is longer than the 39 bytes of a string", "one, two", "B:")
    world.until(lambda: world.get("LIST:1:ID") == number)
    row = {name: world.get(f"LIST:1:{name}") for name in ("ID", "SET", "KIND", "OK", "MISSING", "MISSING.SEVR")}
    assert row == {"ID": number, "SET": "B", "KIND": "manual", "OK": 4, "MISSING": 1, "MISSING.SEVR": 1}
    assert world.get("LIST:1:TITLE.VAL$") == "a title that is longer than the 39 bytes of a string"
    assert world.get("LIST:1:TAGS.VAL$") == "one, two"
    assert "@" in world.get("LIST:1:BY.VAL$")
    assert abs(datetime.fromisoformat(world.get("LIST:1:TIME")).timestamp() - time.time()) < 600


def test_what_cannot_be_understood_is_refused_with_a_sentence(world: World) -> None:
    world.clear()
    shown = world.ids()
    assert "is no time" in world.refusal("", "LIST:SINCE", "soon")
    assert "cannot stand in a PV name" in world.refusal("", "LIST:PV", "two words")
    assert "there is no page 99" in world.refusal("", "LIST:PAGE", 99)
    assert "there is no page 0" in world.refusal("", "LIST:PAGE", 0)
    assert "there is no page 0" in world.get("LIST:MESSAGE.VAL$")
    assert "there is no snapshot 77" in world.refusal("", "SEL:ID", 77)
    assert "probably cut" in world.refusal("", "LIST:TITLE", "x" * 39)
    assert "no snapshot is selected" in world.refusal("", "SEL:TITLE", "x")
    assert (world.ids(), world.get("LIST:SINCE"), world.get("SEL:ID")) == (shown, "", 0)
    assert world.get("STATUS", as_string=True) == "Idle"
    with RawClient(world.ioc.port) as client:
        assert not client.put(client.create("F:SEL:ID"), STRING, b"77\0").status.success


def test_rows_stand_still_while_somebody_looks(world: World) -> None:
    world.clear()
    world.put("LIST:TITLE", "standing still")
    numbers = [world.save("standing still", group="A:") for _ in range(22)]
    newest = numbers[::-1]
    world.until(lambda: bool(world.get("LIST:COUNT") == 22 and world.get("LIST:1:ID") == newest[0]))
    assert world.ids() == newest[:20]
    assert [world.get(f"LIST:{name}") for name in ("COUNT", "PAGE", "PAGES", "NEWER")] == [22, 1, 2, 0]
    world.put("LIST:NEXT", 1)
    assert (world.ids(), world.get("LIST:PAGE")) == (newest[20:], 2)
    more = world.save("standing still", group="A:")
    world.until(lambda: world.get("LIST:NEWER") == 1)
    assert (world.ids(), world.get("LIST:COUNT")) == (newest[20:], 22)
    world.put("LIST:REFRESH", 1)
    assert (world.ids()[0], world.get("LIST:PAGE"), world.get("LIST:NEWER")) == (more, 1, 0)
    world.put("SEL:ID", numbers[0])
    another = world.save("standing still", group="A:")
    world.until(lambda: world.get("LIST:NEWER") == 1)
    assert world.ids()[0] == more
    world.put("SEL:ID", 0)
    assert world.ids()[0] == another


def test_values_with_what_the_machine_holds_now(world: World) -> None:
    world.clear()
    number = world.save("values", group="B:")
    world.put("SEL:ID", number)
    assert [world.get(f"SEL:{name}") for name in ("ID", "SET", "KIND", "TITLE", "TOTAL", "OK", "MISSING")] == [
        number, "B", "manual", "values", 5, 4, 1,
    ]  # fmt: skip
    assert len(world.get("SEL:VERSION")) == 12
    rows = {
        world.get(f"SEL:{row}:PV.VAL$"): [world.get(f"SEL:{row}:{name}.VAL$") for name in ("VALUE", "LIVE")]
        for row in range(1, 6)
    }
    assert rows == {
        "M:STATE": ["Off (0)", "Off (0)"],
        "M:TEXT": ['"some words"', '"some words"'],
        "M:WAVE": ["[4.0, 5.0, 6.0] (3)", "[4.0, 5.0, 6.0] (3)"],
        "M:NEVER_PROCESSED": ["0.0", "0.0"],
        "M:MISSING": ["[never connected]", "[never connected]"],
    }
    assert [world.get(f"SEL:4:{name}") for name in ("UNITS", "SEVERITY", "VALUE.SEVR")] == ["A", "INVALID", 3]
    assert world.get("SEL:6:PV") == ""
    world.set("M:STATE", 1)
    world.until(lambda: bool(world.get("SEL:1:LIVE") == "Ramp (1)"))
    assert world.get("SEL:1:LIVE.SEVR") == 1
    assert world.get("SEL:1:VALUE") == "Off (0)"
    world.set("M:STATE", 0)
    world.until(lambda: bool(world.get("SEL:1:LIVE.SEVR") == 0))


def test_pages_of_values_and_a_filter(world: World) -> None:
    world.clear()
    world.put("SEL:ID", world.save("pages", group="A:"))
    assert [world.get(f"SEL:{name}") for name in ("COUNT", "PAGES", "PAGE")] == [COUNT, 3, 1]
    world.put("SEL:PAGE", 3)
    assert [world.get(f"SEL:{row}:PV") for row in (1, 5, 6)] == ["M:40", "M:44", ""]
    assert [world.get(f"SEL:5:{name}") for name in ("VALUE", "LIVE", "UNITS")] == ["44.0", "44.0", "mA"]
    stamp = datetime.fromisoformat(world.get("SEL:1:TIME"))
    assert abs(stamp.timestamp() - time.time()) < 600
    world.put("SEL:FILTER", "M:1?,!M:15")
    assert [world.get(f"SEL:{name}") for name in ("COUNT", "PAGES", "PAGE")] == [9, 1, 1]
    assert world.get("SEL:6:PV") == "M:16"
    world.put("SEL:FILTER", "")


def test_edits_are_kept_with_who_made_them(world: World) -> None:
    world.clear()
    world.clear("OP2:")
    number = world.save("before", "a", "A:")
    world.put("OP2:SEL:ID", number)
    caproto_tool("caproto-put", "--notify", "F:OP2:SEL:TITLE", "after", addresses=[world.ioc.address])
    world.put("OP2:SEL:TAGS", "b, c,b")
    world.put("OP2:SEL:COMMENT.VAL$", "a comment that is longer than the 39 bytes of a string")
    assert [world.get(f"OP2:SEL:{name}") for name in ("TITLE", "TAGS")] == ["after", "b, c"]
    world.until(lambda: world.get("LIST:1:TITLE") == "after" and world.get("LIST:1:TAGS") == "b, c")
    edits = world.sql(f"select * from audit where subject like '%{number}%' order by id")
    assert len(edits) == 3
    for edit, old, new in zip(edits, ("before", "a", ""), ("after", "b, c", "a comment"), strict=True):
        assert old in edit
        assert any(str(field).startswith(new) for field in edit)
        assert "OP2" in edit
    world.put("A:COMPARE_WITH", number)
    world.put("A:COMPARE_ID", number)
    assert world.get("A:N_EQUAL") == COUNT  # the values are what they were


def test_deleting_asks_twice_and_spares_what_is_needed(world: World) -> None:
    for console in ("", "OP1:"):
        world.clear(console)
    golden, undone, gone = (world.save("to be deleted", group="A:") for _ in range(3))
    world.put("A:GOLDEN_ID", golden)
    world.put("SEL:ID", golden)
    world.until(lambda: world.get("SEL:GOLDEN", as_string=True) == "Yes")
    assert "golden" in world.refusal("", "SEL:DELETE", golden)
    world.set("M:03", 33.0)
    world.put("A:RESTORE_ID", undone)
    before = world.get("A:UNDO_ID")
    world.put("SEL:ID", before)
    assert world.get("SEL:KIND") == f"before restore of {undone}"
    assert str(before) in world.refusal("", "SEL:DELETE", before)
    for console in ("", "OP1:"):
        world.put(f"{console}SEL:ID", gone)
    assert f"{golden} is not the selected snapshot" in world.refusal("", "SEL:DELETE", golden)
    world.put("LIST:TITLE", "to be deleted")
    world.put("SEL:DELETE", gone)
    assert (world.get("SEL:ID"), world.ids()) == (0, [undone, golden])
    assert gone not in (world.get("A:LAST_ID"), world.get("NEWEST_ID"))
    world.until(lambda: world.get("OP1:SEL:ID") == 0)
    assert world.get("OP1:SEL:MESSAGE.VAL$") == f"Snapshot {gone} was deleted by somebody"
    assert world.sql(f"select count(*) from snapshot where id = {gone}") == [(0,)]
    world.put("A:GOLDEN_ID", 0)


def test_two_consoles_do_not_disturb_each_other(world: World) -> None:
    for console in ("", "OP1:", "OP2:"):
        world.clear(console)
    one, two = world.save("of two", group="A:"), world.save("of two", group="B:")
    world.put("OP1:SET", "B")
    assert (world.get("SET"), world.get("OP2:SET")) == ("A", "A")
    world.put("OP1:LIST:SET", "B")
    world.put("OP2:SEL:ID", one)
    assert world.get("OP1:LIST:1:ID") == two
    assert (world.get("LIST:SET"), world.get("SEL:ID"), world.get("OP1:SEL:ID")) == ("", 0, 0)
    refused = world.get("REFUSED")
    assert "there is no page" in world.refusal("OP1:", "LIST:PAGE", 99)
    assert world.get("REFUSED") == refused
    before = world.get("LAST_ID")
    number = world.save("by one", group="OP1:")
    assert (world.get("OP1:LAST_ID"), world.get("LAST_ID"), world.get("OP1:LAST_TITLE")) == (number, before, "by one")
    assert world.get("NEWEST_ID") == number
    assert world.sql(f"select count(*) from snapshot where id = {number} and by_group = 'OP1'") == [(1,)]
    # What concerns the whole IOC stands on the main console only, and lists on consoles only.
    with RawClient(world.ioc.port) as client:
        for name in ("OP1:HEARTBEAT", "OP1:RESTORE_ENABLE", "OP1:OP1:SET", "A:LIST:PAGE"):
            assert isinstance(client.create(f"F:{name}"), ca.CreateChFailResponse)


def test_a_history_as_arrays(world: World) -> None:
    world.clear()
    assert (world.get("HIST:N"), world.get("HIST:IDS"), world.get("HIST:VALUES"), world.get("HIST:TEXTS")) == (0, [], [], [])
    numbers = []
    for value in (1.5, 2.5, 3.5):
        world.set("M:05", value)
        numbers.append(world.save("history", group="A:"))
    world.put("HIST:COUNT", 3)
    world.pyepics.monitor("F:HIST:VALUES")
    world.put("HIST:PV", "M:05")
    assert world.get("HIST:IDS") == numbers[::-1]
    assert world.get("HIST:VALUES") == [3.5, 2.5, 1.5]
    assert world.get("HIST:TEXTS") == ["3.5", "2.5", "1.5"]
    assert (world.get("HIST:N"), world.get("HIST:UNITS")) == (3, "mA")
    assert all(abs(each - time.time()) < 600 for each in world.get("HIST:TIMES"))
    number = world.save("history", group="A:")
    world.until(lambda: world.get("HIST:IDS") == [number, *numbers[:0:-1]])
    assert ["F:HIST:VALUES", [3.5, 2.5, 1.5]] in world.pyepics.take()
    world.put("HIST:PV", "M:MISSING")
    assert set(world.get("HIST:VALUES")) == {"nan"}
    world.put("HIST:PV", "M:WAVE")
    assert world.get("HIST:VALUES")[0] == 4.0
    world.put("HIST:PV", "M:NOWHERE")
    assert (world.get("HIST:N"), world.get("HIST:MESSAGE.VAL$")) == (0, "No snapshot contains M:NOWHERE")
    world.put("HIST:PV", "")
    assert [world.get(f"HIST:{name}") for name in ("N", "VALUES", "TIMES", "TEXTS")] == [0, [], [], []]
    shown = caproto_tool("caproto-get", "F:HIST:VALUES", addresses=[world.ioc.address])
    assert shown.returncode == 0
    assert "from 1 to 1000" in world.refusal("", "HIST:COUNT", 1001)
    assert not math.isnan(world.get("HIST:COUNT"))


def test_differences_page_by_page(world: World) -> None:
    number = world.save("differences", group="A:")
    for i in range(COUNT):
        world.set(f"M:{i:02}", i + 100.0)
    world.put("OP1:COMPARE_ID", number)
    assert [world.get(f"OP1:DIFF:{name}") for name in ("COUNT", "PAGES", "PAGE")] == [COUNT, 3, 1]
    seen = set()
    for page in (1, 2, 3):
        world.put("OP1:DIFF:PAGE", page)
        seen |= {world.get(f"OP1:DIFF:{row}:PV") for row in range(1, 21)}
    assert seen == {f"M:{i:02}" for i in range(COUNT)} | {""}
    world.put("OP1:DIFF:PAGE", 1)
    row = next(row for row in range(1, 21) if world.get(f"OP1:DIFF:{row}:PV") == "M:07")
    assert [world.get(f"OP1:DIFF:{row}:{name}") for name in ("STORED", "OTHER", "DELTA")] == ["7.0", "107.0", "+100"]
    assert world.get("DIFF:COUNT") == 0
    world.put("OP1:DIFF:NEXT", 1)
    assert world.get("OP1:DIFF:PAGE") == 2
    for i in range(COUNT):
        world.set(f"M:{i:02}", float(i))


def test_an_ioc_that_hangs_holds_up_neither_the_pages_nor_their_puts(world: World) -> None:
    world.clear()
    number = world.save("before it hung", group="A:")
    world.machine.stop()
    try:
        world.put("SEL:ID", number)
        assert (world.get("SEL:1:VALUE"), world.get("SEL:ID")) == ("0.0", number)
        world.until(lambda: bool(world.get("SEL:1:LIVE.SEVR") == 1))
        assert world.get("SEL:1:LIVE").startswith("[")
    finally:
        world.machine.cont()
    world.until(lambda: bool(world.get("SEL:1:LIVE") == "0.0"))


def test_after_a_restart(world: World, tmp_path: Path) -> None:
    toml = configuration(tmp_path)
    with SnapiocProcess(tmp_path, toml, free_port(), [world.machine.address]) as ioc:
        with Pyepics([ioc.address]) as pyepics:
            here = World(world.machine, ioc, pyepics)
            last = {console: here.save("before the restart", group=console) for console in ("", "OP1:")}
            here.put("SEL:ID", last[""])
            here.put("OP1:LIST:SET", "B")
        ioc.terminate()
        ioc.start()
        with Pyepics([ioc.address]) as pyepics:
            here = World(world.machine, ioc, pyepics)
            here.until(lambda: bool(here.get("LIST:1:ID") == last["OP1:"]))
            assert {console: here.get(f"{console}LAST_ID") for console in ("", "OP1:")} == last
            assert (here.get("OP2:LAST_ID"), here.get("SEL:ID"), here.get("OP1:LIST:SET")) == (0, 0, "")
