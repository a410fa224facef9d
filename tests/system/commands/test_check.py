"""check against real IOCs. In a child process: libca reads its address list once per process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.helpers.iocs import SoftIoc
from tests.system.commands.conftest import Facility

RECORDS = """
record(ao, "$(P)A") { field(PINI, "YES") }
record(ao, "$(P)B") { field(PINI, "YES") field(ASG, "OPEN") }
record(lso, "$(P)TEXT") {
    field(SIZV, "100")
    field(DOL, {const:"a text of more than thirty-nine bytes, which is long"})
    field(PINI, "YES")
}
"""

READ_ONLY_BUT_OPEN = "ASG(DEFAULT) { RULE(1, READ) }\nASG(OPEN) { RULE(1, WRITE) }\n"


def check(config: Path, addresses: str, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snapioc", "check", "--config", str(config), *argv]
    environment = os.environ | {"EPICS_CA_ADDR_LIST": addresses}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def configure(folder: Path, more: str = "", **sets: str) -> Path:
    config = folder / "snapioc.toml"
    tables = "".join(f'[[set]]\nname = "{name}"\nfiles = ["{name}.csv"]\n' for name in sets)
    for name, rows in sets.items():
        (folder / f"{name}.csv").write_text(f"pv, mode, readback\n{rows}\n")
    config.write_text(
        f'[store]\nurl = "sqlite:///snapshots.db"\n[channels]\nconnect_timeout = 2.0\nread_timeout = 1.0\n{more}\n{tables}'
    )
    return config


def test_a_sound_machine_is_0(tmp_path: Path, pv_prefix: str) -> None:
    config = configure(tmp_path, ONE=f"{pv_prefix}A,,{pv_prefix}B", TWO=f"{pv_prefix}TEXT")
    with SoftIoc(RECORDS, f"P={pv_prefix}") as ioc:
        ended = check(config, ioc.address)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        "ONE: 1 members, 2 PVs with their readbacks, 2 read",
        "TWO: 1 members, 1 PVs with their readbacks, 1 read",
        "  text that a plain read would cut (read whole) (1):",
        f"    {pv_prefix}TEXT",
    ]
    assert not (tmp_path / "snapshots.db").exists()


def test_who_is_missing_is_named_and_who_is_shared(tmp_path: Path, pv_prefix: str) -> None:
    config = configure(tmp_path, ONE=f"{pv_prefix}A\n{pv_prefix}NONE", TWO=f"{pv_prefix}B,,{pv_prefix}A")
    with SoftIoc(RECORDS, f"P={pv_prefix}") as ioc:
        ended = check(config, ioc.address)
        as_json = check(config, ioc.address, "--json")
    assert ended.returncode == as_json.returncode == 1
    assert f"    {pv_prefix}NONE\tnever connected\n" in ended.stdout
    assert f"    {pv_prefix}A\tONE, TWO\n" in ended.stdout
    content = json.loads(as_json.stdout)
    assert content["sets"][0]["missing"] == [{"pv": f"{pv_prefix}NONE", "reason": "never connected"}]
    assert content["sets"][1]["missing"] == []
    assert content["in_several_sets"] == {f"{pv_prefix}A": ["ONE", "TWO"]}


def test_a_permit_pv_that_is_not_there_is_wrong(tmp_path: Path, pv_prefix: str) -> None:
    config = configure(tmp_path, f'[restore]\npermit_pv = "{pv_prefix}PERMIT"', ONE=f"{pv_prefix}A")
    with SoftIoc(RECORDS, f"P={pv_prefix}") as ioc:
        ended = check(config, ioc.address)
    assert ended.returncode == 1
    assert f"{pv_prefix}PERMIT\tnever connected: no restore is possible" in ended.stdout


def test_what_cannot_be_written_is_wrong_unless_it_is_ro(tmp_path: Path, pv_prefix: str) -> None:
    with SoftIoc(RECORDS, f"P={pv_prefix}", acf=READ_ONLY_BUT_OPEN) as ioc:
        wrong = check(configure(tmp_path, ONE=f"{pv_prefix}A\n{pv_prefix}B"), ioc.address)
        right = check(configure(tmp_path, ONE=f"{pv_prefix}A,RO\n{pv_prefix}B"), ioc.address)
    assert wrong.returncode == 1
    assert wrong.stdout.endswith(f"  no write access, but not mode RO (1):\n    {pv_prefix}A\n")
    assert right.returncode == 0, right.stdout


def test_no_connect_looks_at_the_files_only(facility: Facility) -> None:
    ended = check(facility.config, "", "--no-connect")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("MAGNETS: 4 members, 4 PVs")


def test_every_fault_of_the_files_is_named(facility: Facility) -> None:
    folder = facility.config.parent
    (folder / "MAGNETS.req").write_text("A\nA\n$(NONE)\n")
    (folder / "RF.req").unlink()
    ended = check(facility.config, "", "--no-connect")
    assert (ended.returncode, ended.stdout) == (1, "")
    for place in ("MAGNETS.req:2: A stands", "MAGNETS.req:3: macro $(NONE)", "RF.req: No such file"):
        assert place in ended.stderr
    assert "Traceback" not in ended.stderr
