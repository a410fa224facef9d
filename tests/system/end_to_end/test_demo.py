"""The story of the product on the demo machine, told by clients that are not ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snapioc.config import load_config, load_sets
from snapioc.model import Mode, long_text_name
from tests.helpers.clients import Pyepics, caproto_tool
from tests.helpers.iocs import SoftIoc
from tests.helpers.snapioc_process import SnapiocProcess


@pytest.fixture(scope="module")
def addresses(demo: SnapiocProcess) -> list[str]:
    return [*demo.machine, demo.address]


@pytest.fixture(scope="module")
def client(addresses: list[str]) -> Iterator[Pyepics]:
    with Pyepics(addresses) as pyepics:
        yield pyepics


def members(config: Path, set_name: str) -> list[str]:
    """The PVs of a set that a restore writes."""
    pv_set = next(known for known in load_sets(load_config(config)) if known.name == set_name)
    return [member.pv for member in pv_set.members if member.mode is Mode.READ_WRITE]


def whole(client: Pyepics, pv: str) -> Any:
    """The value exactly; a text as the characters of all of it."""
    value = client.get(pv)
    return client.get(long_text_name(pv)) if isinstance(value, str) else value


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, str):
        return "broken"
    if isinstance(value, list):
        return ["broken"] if value and isinstance(value[0], str) else [1, 0, 1]
    return 0 if value else 1


SETS = ["MAGNETS", "RF", "VACUUM", "BEAMLINE"]


@pytest.mark.parametrize("set_name", SETS)
def test_every_writable_record_comes_back_bit_for_bit(
    demo: SnapiocProcess, client: Pyepics, addresses: list[str], set_name: str
) -> None:
    pvs = members(demo.config, set_name)
    before = {pv: whole(client, pv) for pv in pvs}
    group = f"SNAP:{set_name}:"
    newest = client.get(f"{group}LAST_ID")
    assert client.put(f"{group}TRIGGER", 1) == 1
    snapshot_id = client.get(f"{group}LAST_ID")
    assert snapshot_id > newest
    for pv, value in before.items():
        client.put(pv, changed(client.get(pv) if isinstance(value, list) else value))
    broken = {pv: whole(client, pv) for pv in pvs}
    assert [pv for pv in pvs if broken[pv] == before[pv]] == []
    caproto_tool("caproto-put", "--notify", "--timeout", "60", f"{group}RESTORE_ID", str(snapshot_id), addresses=addresses)
    message = client.get(f"{group}MESSAGE.VAL$", as_string=True)
    assert client.get(f"{group}RESULT") == 1, message + client.get(f"{group}FAILURES.VAL$", as_string=True)
    after = {pv: whole(client, pv) for pv in pvs}
    assert {pv: (after[pv], before[pv]) for pv in pvs if repr(after[pv]) != repr(before[pv])} == {}


LINKS = """
record(bo, "LINK:TRIGGER") { field(OUT, "SNAP:MAGNETS:TRIGGER CA") field(ZNAM, "Idle") field(ONAM, "Save") }
record(stringout, "LINK:TITLE") { field(OUT, "SNAP:MAGNETS:TITLE CA") }
record(lso, "LINK:COMMENT") { field(OUT, "SNAP:MAGNETS:COMMENT.VAL$ CA") field(SIZV, "300") }
record(longout, "LINK:RESTORE") { field(OUT, "SNAP:MAGNETS:RESTORE_ID CA") }
record(longin, "LINK:OPS") { field(INP, "SNAP:MAGNETS:OPS CP") }
record(longin, "LINK:LAST_ID") { field(INP, "SNAP:MAGNETS:LAST_ID CP") }
record(mbbi, "LINK:RESULT") { field(INP, "SNAP:MAGNETS:RESULT CP MS") field(ZRST, "None") field(ONST, "Success") }
"""


def test_another_ioc_drives_it_through_its_ca_links(demo: SnapiocProcess, addresses: list[str]) -> None:
    links = {"EPICS_CA_ADDR_LIST": " ".join(addresses), "EPICS_CA_AUTO_ADDR_LIST": "NO"}
    with SoftIoc(LINKS, **links) as sequencer, Pyepics([*addresses, sequencer.address]) as client:
        comment = "a comment that is longer than the thirty-nine characters of a DBR_STRING"
        ops = wait_for(client, "LINK:OPS", lambda value: value == client.get("SNAP:MAGNETS:OPS"))
        setpoint = next(pv for pv in members(demo.config, "MAGNETS") if isinstance(client.get(pv), float))
        value = client.get(setpoint)
        client.put("LINK:TITLE", "by a C IOC")
        client.put("LINK:COMMENT.VAL$", [*comment.encode(), 0])
        wait_for(client, "SNAP:MAGNETS:COMMENT.VAL$", lambda text: text == comment, as_string=True)
        client.put("LINK:TRIGGER", 1)
        wait_for(client, "LINK:OPS", lambda value: value == ops + 1)
        snapshot_id = wait_for(client, "LINK:LAST_ID", lambda value: value == client.get("SNAP:MAGNETS:LAST_ID"))
        assert client.get("SNAP:MAGNETS:LAST_TITLE") == "by a C IOC"
        client.put(setpoint, value + 1)
        client.put("LINK:RESTORE", snapshot_id)
        wait_for(client, "LINK:OPS", lambda value: value == ops + 2)
        wait_for(client, "LINK:RESULT", lambda value: value == 1)
        assert client.get(setpoint) == value


def wait_for(client: Pyepics, name: str, wanted: Any, **options: Any) -> Any:
    """Read until the value is as wanted, for a minute at most."""
    for _ in range(600):
        value = client.get(name, **options)
        if wanted(value):
            return value
        client.sleep(0.1)
    raise AssertionError(f"{name} still is {value!r}")
