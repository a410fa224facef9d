"""diff against a real machine. In a child process: libca reads its address list once per process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from snapioc.model import DbrType, Member, Metadata, NewSnapshot, PvSet, ReadingsBuilder, Reason
from tests.helpers.iocs import SoftIoc
from tests.system.commands.conftest import fill

RECORDS = """
record(ao, "$(P)A") { field(VAL, "10.5") field(PINI, "YES") }
record(ai, "$(P)A:RB") { field(VAL, "10.9") field(PINI, "YES") }
record(bo, "$(P)MODE") { field(ZNAM, "On") field(ONAM, "Off") field(VAL, "1") field(PINI, "YES") }
record(stringout, "$(P)NOTE") { field(VAL, "not this") field(PINI, "YES") }
record(waveform, "$(P)WAVE") { field(FTVL, "DOUBLE") field(NELM, "4") field(INP, "[1,2,3,4]") field(PINI, "YES") }
"""


def stored(prefix: str) -> NewSnapshot:
    """Before somebody turned the labels of MODE round."""
    members = (
        Member(f"{prefix}A", readback=f"{prefix}A:RB", abs_tol=0.6),
        *(Member(f"{prefix}{name}") for name in ("MODE", "NOTE", "WAVE", "GONE")),
    )
    pv_set = PvSet("M", members)
    rows = pv_set.rows
    builder = ReadingsBuilder(len(rows), Reason.NEVER_CONNECTED)
    builder.add(rows[f"{prefix}A"], DbrType.DOUBLE, 10.0)
    builder.add(rows[f"{prefix}A:RB"], DbrType.DOUBLE, 10.0)
    builder.add(rows[f"{prefix}MODE"], DbrType.ENUM, 0, metadata=Metadata(labels=("Off", "On")))
    builder.add(rows[f"{prefix}NOTE"], DbrType.STRING, b"this")
    builder.add(rows[f"{prefix}WAVE"], DbrType.DOUBLE, np.array([1.0, 2.0, 3.0, 5.0]))
    return NewSnapshot(pv_set, builder.build())


@pytest.fixture
def config(tmp_path: Path, pv_prefix: str) -> Path:
    url = f"sqlite:///{tmp_path}/snapshots.db"
    asyncio.run(fill(url, [stored(pv_prefix)]))
    config = tmp_path / "snapioc.toml"
    # The files of the set need not be there: the snapshot has its set.
    own = '[[set]]\nname = "M"\nfiles = ["none.req"]\nread_timeout = 1.0'
    config.write_text(f'[store]\nurl = "{url}"\n[channels]\nconnect_timeout = 1.0\n{own}\n')
    return config


def diff(config: Path, addresses: str, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snapioc", "diff", *argv, "--config", str(config)]
    environment = os.environ | {"EPICS_CA_ADDR_LIST": addresses}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def cells(lines: Sequence[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


def test_what_differs_from_the_machine_in_a_table(config: Path, pv_prefix: str) -> None:
    with SoftIoc(RECORDS, f"P={pv_prefix}") as ioc:
        ended = diff(config, ioc.address, "1001", "live")
    assert (ended.returncode, ended.stderr) == (1, "")
    *table, counts = ended.stdout.splitlines()
    assert counts == "2 equal, 3 different, 1 unknown"
    assert cells(table) == [
        ["pv", "1001", "live", "difference"],
        [f"{pv_prefix}NOTE", '"this"', '"not this"', "other value"],
        [f"{pv_prefix}WAVE", "[1.0, 2.0, 3.0, 5.0] (4)", "[1.0, 2.0, 3.0, 4.0] (4)", "1 of 4 elements, at most 1"],
        [f"{pv_prefix}A:RB", "10.0", "10.9", "+0.9"],
    ]


def test_what_differs_from_the_machine_in_json(config: Path, pv_prefix: str) -> None:
    with SoftIoc(RECORDS, f"P={pv_prefix}") as ioc:
        ended = diff(config, ioc.address, "1001", "live", "--json", "--filter", "*A*,!*WAVE")
    content = json.loads(ended.stdout)
    assert (ended.returncode, content["equal"], content["different"], content["unknown"]) == (1, 1, 1, 0)
    assert (content["stored"]["id"], content["other"]["id"]) == (1001, "live")
    assert datetime.fromisoformat(content["other"]["time"]).tzinfo is not None
    (difference,) = content["differences"]
    assert (difference["pv"], difference["verdict"], difference["difference"]) == (f"{pv_prefix}A:RB", "DIFFERENT", "+0.9")
    assert (difference["stored"]["value"], difference["other"]["value"]) == (10.0, 10.9)


def test_nothing_that_differs_is_0(config: Path, pv_prefix: str) -> None:
    with SoftIoc(RECORDS, f"P={pv_prefix}") as ioc:
        ended = diff(config, ioc.address, "1001", "live", "--filter", "*A, *MODE")
    assert (ended.returncode, ended.stdout) == (0, "2 equal, 0 different, 0 unknown\n")


def test_exact_knows_no_tolerances(config: Path, pv_prefix: str) -> None:
    with SoftIoc(RECORDS, f"P={pv_prefix}") as ioc:
        ended = diff(config, ioc.address, "1001", "live", "--exact", "--filter", "*A, *MODE")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert cells(ended.stdout.splitlines())[1:] == [
        [f"{pv_prefix}A", "10.0", "10.5", "+0.5"],
        ["1 equal, 1 different, 0 unknown"],
    ]


def test_a_pv_that_is_gone_differs_and_a_machine_that_is_gone_is_2(config: Path, pv_prefix: str) -> None:
    with SoftIoc('record(ao, "$(P)A") { field(VAL, "10") field(PINI, "YES") }', f"P={pv_prefix}") as ioc:
        ended = diff(config, ioc.address, "1001", "live", "--filter", "*A, *NOTE")
    assert ended.returncode == 1
    row = [f"{pv_prefix}NOTE", '"this"', "[never connected]", "missing on one side"]
    assert cells(ended.stdout.splitlines())[1:] == [row, ["1 equal, 1 different, 0 unknown"]]
    ended = diff(config, ioc.address, "1001", "live")
    assert (ended.returncode, ended.stdout) == (2, "")
    why = f"none of 6 PVs is there on both sides ({pv_prefix}A: never connected (live))"
    assert ended.stderr.endswith(f"snapioc diff: {why}\n")


@pytest.mark.parametrize(("a", "b"), [("live", "1001"), ("1001", "dead"), ("1001", "9999"), ("9999", "live")])
def test_what_is_no_snapshot_is_2(config: Path, a: str, b: str) -> None:
    ended = diff(config, "", a, b)
    assert (ended.returncode, ended.stdout) == (2, "")
