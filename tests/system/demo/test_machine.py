"""The demo machine's IOC: what it serves, where it listens, and that it never outlives its parent."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from snapioc.config import load_config, load_sets
from snapioc.demo import RECORDS, DemoMachine, devices, free_port, prepare
from snapioc.model import SnapError
from tests.helpers.clients import Pyepics, client_environment
from tests.helpers.iocs import free_port as any_port

FULL = {
    "STRING": ("STRING", ["gate", "trigger in", "thirty-nine bytes, the longest that fit"]),
    "CHAR": ("CHAR", [128, 0, 127]),
    "UCHAR": ("CHAR", [0, 128, 255]),
    "SHORT": ("SHORT", [-32768, 0, 32767]),
    "USHORT": ("LONG", [0, 32768, 65535]),
    "LONG": ("LONG", [-(2**31), 0, 2**31 - 1]),
    "ULONG": ("DOUBLE", [0.0, 2.0**31, 2.0**32 - 1]),
    "INT64": ("DOUBLE", [-(2.0**53), 0.0, 2.0**53]),
    "UINT64": ("DOUBLE", [0.0, 1.0, 2.0**53]),
    "FLOAT": ("FLOAT", [-3.3999999521443642e38, 0.10000000149011612, 1.5]),
    "DOUBLE": ("DOUBLE", [0.1, -1.7976931348623157e308, 5e-324]),
    "ENUM": ("ENUM", [0, 1, 65535]),
}
"""Of each element type the CA type that carries it, and the elements of its full buffer."""

CA_TYPES = {14: "STRING", 15: "SHORT", 16: "FLOAT", 17: "ENUM", 18: "CHAR", 19: "LONG", 20: "DOUBLE"}
"""DBR_TIME codes (db_access.h), as pyepics says them."""

TELL_TYPES = """
pvs = [epics.PV(name, auto_monitor=False) for name in sys.argv[1:]]
print(json.dumps([pv.wait_for_connection(timeout=10) and pv.ftype for pv in pvs]))
"""

TELL_SEVERITIES = """
print(json.dumps(epics.caget_many([f"{name}.SEVR" for name in sys.argv[1:]], connection_timeout=10)))
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoMachine]:
    with DemoMachine(any_port(), tmp_path_factory.mktemp("machine") / "machine.log") as started:
        yield started


@pytest.fixture(scope="module")
def client(machine: DemoMachine) -> Iterator[Pyepics]:
    with Pyepics([f"127.0.0.1:{machine.port}"]) as started:
        yield started


def told(machine: DemoMachine, program: str, names: Sequence[str]) -> list[int]:
    """What pyepics in a process of its own tells of all these PVs at once."""
    command = [sys.executable, "-c", "import epics, json, sys" + program, *names]
    environment = client_environment([f"127.0.0.1:{machine.port}"])
    ended = subprocess.run(command, env=environment, capture_output=True, check=True)
    return list(json.loads(ended.stdout))


def records() -> Counter[str]:
    """How many records of each type the machine has."""
    counts: Counter[str] = Counter()
    for file, _ in devices():
        counts.update(re.findall(r"^record\((\w+),", (RECORDS / file).read_text(), re.MULTILINE))
    return counts


def test_it_is_of_about_1000_records_of_every_type() -> None:
    counts = records()
    assert 900 < counts.total() < 1100
    assert {"ao", "ai", "longout", "int64out", "bo", "mbbo", "stringout", "lso", "waveform", "calc"} <= set(counts)


def test_its_log_has_no_complaint(machine: DemoMachine) -> None:
    log = machine.log.read_text()
    assert "IOC Running" in log
    assert not re.search(r"error|warning|undefined|unexpanded|invalid", log, re.IGNORECASE), log


def test_every_pv_of_the_sets_is_there_and_healthy(machine: DemoMachine, tmp_path: Path) -> None:
    sets = load_sets(load_config(prepare(tmp_path / "demo")))
    assert [pv_set.name for pv_set in sets] == ["MAGNETS", "RF", "VACUUM", "BEAMLINE"]
    pvs = [pv for pv_set in sets for pv in pv_set.pvs]
    assert len(pvs) == len(set(pvs)) > 800
    severities = dict(zip(pvs, told(machine, TELL_SEVERITIES, pvs), strict=True))
    assert {pv: severity for pv, severity in severities.items() if severity != 0} == {}


def test_waveforms_of_each_element_type_as_ca_carries_them(machine: DemoMachine, client: Pyepics) -> None:
    names = [f"DEMO:BL:BUF-{element_type}:FULL" for element_type in FULL]
    types = [CA_TYPES[code] for code in told(machine, TELL_TYPES, names)]
    values = [client.get(name) for name in names]
    assert dict(zip(FULL, zip(types, values, strict=True), strict=True)) == FULL


def test_buffers_are_full_or_filled_in_part_or_empty(client: Pyepics) -> None:
    for element_type in FULL:
        name = f"DEMO:BL:BUF-{element_type}"
        empty, part, full = (client.get(f"{name}:{filling}.NORD") for filling in ("EMPTY", "PART", "FULL"))
        assert empty == 0 < part < full == 3


def test_texts_are_longer_than_a_dbr_string_and_not_ascii(client: Pyepics) -> None:
    note = bytes(client.get("DEMO:BL:SAMPLE-NOTE.VAL$")).rstrip(b"\0").decode()
    assert len(note) > 39
    assert "µm" in note
    assert len(bytes(client.get("DEMO:BL:FILE-TEMPLATE")).rstrip(b"\0")) > 39


def test_drive_limits_hold_and_a_bad_mode_is_an_alarm(client: Pyepics) -> None:
    client.put("DEMO:SR:QD12:I-SET", 1000.0)
    assert client.get("DEMO:SR:QD12:I-SET") == 200.0
    assert client.get("DEMO:SR:QD12:I-SET.SEVR") == 1
    client.put("DEMO:SR:QD12:MODE", 0)
    assert client.get("DEMO:SR:QD12:MODE.SEVR") == 2
    assert client.get("DEMO:SR:QD12:I-READ") == 0.0
    assert client.get("DEMO:SR:QD12:I-SET.EGU") == "A"


def test_it_listens_on_loopback_only(machine: DemoMachine) -> None:
    # libca in this process may have left the zombie of a caRepeater, which has no command line.
    living = [p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE]
    (child,) = [p for p in living if "epicscorelibs.ioc" in " ".join(p.cmdline())]
    connections = child.net_connections(kind="inet")
    listening = [c.laddr for c in connections if c.status == psutil.CONN_LISTEN]
    assert [tuple(address) for address in listening] == [("127.0.0.1", machine.port)]
    # libca and rsrv send from sockets on any address; what a stranger could know is a server's own port.
    # (It also binds the repeater's, 5065, for a moment, to see whether there is a repeater.)
    datagrams = [c.laddr for c in connections if c.type == socket.SOCK_DGRAM]
    known = {address.ip for address in datagrams if address.port < 32768 and address.port != 5065}
    assert known <= {"127.0.0.1"}


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    port = any_port()
    program = (
        "import sys, time; from pathlib import Path; from snapioc.demo import DemoMachine\n"
        "with DemoMachine(int(sys.argv[1]), Path(sys.argv[2])): print('up', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", program, str(port), str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"up\n"
        (child,) = psutil.Process(parent.pid).children()
        parent.send_signal(signal.SIGKILL)
    assert psutil.wait_procs([child], timeout=30)[0] == [child]


def test_closing_ends_even_a_hung_one(tmp_path: Path) -> None:
    machine = DemoMachine(any_port(), tmp_path / "log")
    machine.start()
    living = [p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE]
    (child,) = [p for p in living if f"{tmp_path}" in str(p.open_files())]
    child.suspend()
    machine.close()
    assert not child.is_running()
    machine.close()


def test_one_that_does_not_start_says_where_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapioc.demo.machine.RECORDS", tmp_path)
    with pytest.raises(SnapError, match=r"did not start; .*log says why"), DemoMachine(any_port(), tmp_path / "log"):
        pass
    assert "magnets.db" in (tmp_path / "log").read_text()


def test_a_port_that_is_taken_is_not_taken_again() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        assert free_port(taken.getsockname()[1]) != taken.getsockname()[1]
    preferred = any_port()
    assert free_port(preferred) == preferred != free_port(preferred, but=preferred)


def test_the_folder_keeps_what_is_in_it(tmp_path: Path) -> None:
    config = prepare(tmp_path / "a" / "demo")
    config.write_text("# changed\n")
    (tmp_path / "a" / "demo" / "rf.csv").unlink()
    assert prepare(tmp_path / "a" / "demo").read_text() == "# changed\n"
    assert (tmp_path / "a" / "demo" / "rf.csv").exists()
