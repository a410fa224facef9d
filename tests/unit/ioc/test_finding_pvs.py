"""The PVs for finding: names, descriptions, and that all of them read whatever they show."""

from __future__ import annotations

import re

import pytest

from snapioc.config import LONGEST_SUFFIX
from snapioc.ioc.database import product_database
from snapioc.ioc.finding import FindingView
from snapioc.operations import Console
from tests.unit.operations.machine import OPERATOR, Machine

from .test_arrays import lengths
from .test_pv_kinds import as_text, read

DATABASE = product_database()


async def test_what_the_store_holds_reads_as_every_type() -> None:
    machine = Machine()
    await machine.saved()
    view = FindingView("T:", machine.console)
    await view.start()
    await machine.console.browser.list.again()
    await machine.console.browser.selection.choose(1001)
    await machine.console.browser.history.choose("A:1")
    for name, pv in view.pvdb.items():
        assert pv.pvname == name
        assert len(await lengths(pv)) >= 1
    texts = {name: await as_text(view.pvdb[f"T:{name}"]) for name in ("LIST:1:ID", "SEL:2:PV", "SEL:2:LIVE", "HIST:N")}
    assert texts == {"LIST:1:ID": "1001", "SEL:2:PV": "A:2", "SEL:2:LIVE": "1.0", "HIST:N": "1"}
    await machine.console.close()


async def test_differences_are_shown_before_the_put_completes() -> None:
    machine = Machine()
    await machine.saved()
    view = FindingView("T:", machine.console)
    machine.console.view = view
    machine.move(_2=5.0)
    await machine.console.compare(1001)
    assert await as_text(view.pvdb["T:DIFF:1:PV"]) == "A:2"
    assert await as_text(view.pvdb["T:DIFF:1:DELTA"]) == "+4"
    await machine.console.trigger(OPERATOR)
    assert await as_text(view.pvdb["T:DIFF:COUNT"]) == "1"
    await machine.console.close()


async def test_a_refused_put_is_told_in_the_part_of_it() -> None:
    machine = Machine()
    view = FindingView("T:", machine.console)
    await view.start()
    for part in ("LIST", "SEL", "HIST"):
        group = view.pvdb[f"T:{part}:MESSAGE"].group
        await group.refused_put(f"{part} is refused")
        assert await as_text(view.pvdb[f"T:{part}:MESSAGE"]) == f"{part} is refused"
    await machine.console.close()


async def test_braces_in_the_prefix() -> None:
    machine = Machine()
    view = FindingView("X{1}", Console(machine.plant, "OP1"))
    assert "X{1}LIST:20:MISSING" in view.pvdb
    await read(view.pvdb["X{1}SEL:1:PV"], 0)


def test_descriptions_fit_into_a_record() -> None:
    described = re.findall(r'record\(\w+, "([^"]+)"\) \{\n    field\(DESC, "([^"]*)"', DATABASE)
    assert len(described) > 500
    assert [name for name, desc in described if not 0 < len(desc) <= 40] == []


def test_no_name_is_longer_than_the_configuration_reckons_with() -> None:
    names = re.findall(r'record\(\w+, "([^"]+)"', DATABASE)
    assert len(names) == len(set(names))
    suffixes = [name.removeprefix("$(P)").removeprefix("$(SET):") for name in names]
    assert max(map(len, suffixes)) <= LONGEST_SUFFIX


@pytest.mark.parametrize("name", ["LIST:1:ID", "LIST:20:TAGS", "SEL:20:LIVE", "HIST:TEXTS", "DIFF:20:DELTA"])
def test_the_database_has_every_row(name: str) -> None:
    assert f'"$(P){name}"' in DATABASE
