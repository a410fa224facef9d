"""`snapioc demo`, as somebody types it, and what it tells to try next."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import psutil
import pytest

TOP = Path(__file__).parents[3]
BIN = Path(sys.executable).parent


class Demo:
    """`snapioc demo` in a process of its own; `said` is what it has printed when both IOCs are up."""

    def __init__(self, folder: Path, *argv: str) -> None:
        # Whatever the user has set points elsewhere: the demo has to keep to itself all the same.
        elsewhere = {"EPICS_CA_ADDR_LIST": "192.0.2.1", "EPICS_CA_AUTO_ADDR_LIST": "YES", "EPICS_CA_SERVER_PORT": "5064"}
        elsewhere |= {"EPICS_CA_NAME_SERVERS": "192.0.2.1", "EPICS_CAS_INTF_ADDR_LIST": "0.0.0.0"}
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(BIN / "snapioc"), "demo", *argv],
                cwd=folder,
                env=os.environ | elsewhere,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 90
        while "Ctrl-C stops both" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    @property
    def said(self) -> str:
        return self.output.read_text()

    def processes(self) -> list[psutil.Process]:
        this = psutil.Process(self.process.pid)
        return [this, *this.children(recursive=True)]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    started = Demo(tmp_path)
    children = started.processes()
    yield started
    started.close()
    psutil.wait_procs(children, timeout=30)


def typed(line: str, demo: Demo) -> str:
    """What a line prints in another terminal, after the export line; it has to succeed."""
    exported = re.findall(r"(\w+)=('[^']*'|\S+)", re.search(r"export (.*)", demo.said)[1])  # type: ignore[index]
    environment = os.environ | {name: shlex.split(value)[0] for name, value in exported}
    environment["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(line, shell=True, env=environment, cwd=demo.output.parent, capture_output=True, text=True)
    assert ended.returncode == 0, ended
    return ended.stdout


def caproto_lines(demo: Demo) -> list[str]:
    return [line.strip() for line in demo.said.splitlines() if line.startswith("  caproto-")]


def test_the_story_it_tells_comes_true(demo: Demo) -> None:
    save, last_id, destroy, restore, look, message = caproto_lines(demo)
    typed(save, demo)
    assert "[1001]" in typed(last_id, demo)
    before = typed(look, demo)
    typed(destroy, demo)
    assert re.search(r"\[0\.?\]", typed(look, demo))
    typed(restore, demo)
    assert typed(look, demo) == before
    assert "Restore of 1001: 1 of 1 PV written and read back, 511 held their values already" in typed(message, demo)
    listed = typed("snapioc list --json --config " + re.search(r"--config (.*)", demo.said)[1], demo)  # type: ignore[index]
    assert [header["id"] for header in json.loads(listed)] == [1001]
    store = re.search(r"^Snapshots: +(.*)$", demo.said, re.MULTILINE)
    assert store
    assert Path(store[1]).stat().st_size > 0


def test_the_lines_for_epics_tools_say_the_same(demo: Demo) -> None:
    with_epics = [line.split("#")[0].strip() for line in demo.said.splitlines() if re.match(r"  ca(put|get) ", line)]
    translated = [
        line.replace("caproto-put --no-repeater --notify --timeout 60", "caput -c -w 60").replace(
            "caproto-get --no-repeater", "caget"
        )
        for line in caproto_lines(demo)
    ]
    assert with_epics == [line.replace("caput -c -w 60 DEMO", "caput DEMO") for line in translated]


def test_every_server_listens_on_loopback_only(demo: Demo) -> None:
    connections = [c for process in demo.processes() for c in process.net_connections(kind="inet")]
    listening = {tuple(c.laddr) for c in connections if c.status == psutil.CONN_LISTEN}
    ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", re.search(r"export (.*)", demo.said)[1])]  # type: ignore[index]
    assert listening == {("127.0.0.1", port) for port in ports}
    # The other UDP sockets are those from which libca and the servers send; no stranger knows their ports.
    for connection in connections:
        if connection.laddr.port in (*ports, 5064, 5075, 5076):
            assert connection.laddr.ip == "127.0.0.1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_both_within_seconds(demo: Demo, number: int) -> None:
    processes = demo.processes()
    assert len(processes) == 2
    demo.process.send_signal(number)
    assert psutil.wait_procs(processes, timeout=10)[1] == []
    assert demo.process.wait() == 0
    assert demo.said.endswith("stopped\n")
    assert "Traceback" not in demo.said


def test_a_kill_ends_both(demo: Demo) -> None:
    processes = demo.processes()
    demo.process.kill()
    demo.process.wait()
    assert psutil.wait_procs(processes, timeout=30)[1] == []


def test_two_demos_do_not_disturb_each_other(demo: Demo, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    other = Demo(second)
    children = other.processes()
    try:
        typed(caproto_lines(other)[0], other)
        assert "[1001]" in typed(caproto_lines(other)[1], other)
        assert "[0]" in typed(caproto_lines(demo)[1], demo)
    finally:
        other.close()
        psutil.wait_procs(children, timeout=30)


def test_a_second_run_keeps_the_snapshots_and_says_the_next_id(demo: Demo, tmp_path: Path) -> None:
    typed(caproto_lines(demo)[0], demo)
    demo.process.send_signal(signal.SIGINT)
    demo.process.wait()
    again = Demo(tmp_path)
    children = again.processes()
    try:
        assert "RESTORE_ID 1002" in again.said
        assert "[1001]" in typed(caproto_lines(again)[1], again)
    finally:
        again.close()
        psutil.wait_procs(children, timeout=30)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "snapioc", "demo", "--directory", str(tmp_path / "file")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert re.fullmatch(r"snapioc demo: .*File exists.*\n", ended.stderr)


def test_all_that_the_demo_needs_is_package_data() -> None:
    globs = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["snapioc"]
    package = TOP / "snapioc"
    for file in (package / "demo").rglob("*"):
        if file.is_file() and file.suffix not in (".py", ".pyc"):
            assert any(fnmatch(str(file.relative_to(package)), glob) for glob in globs), file


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "snapioc", "demo", "--directory", str(tmp_path), "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended
    assert ended.stderr == f"snapioc demo: port {port} of 127.0.0.1 is in use\n"
