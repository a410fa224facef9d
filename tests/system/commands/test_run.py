"""run, and iocBoot's st.cmd, as procServ or systemd start them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.iocs import free_port
from tests.helpers.probe import answers

TOP = Path(__file__).parents[3]


@contextmanager
def started(command: Sequence[str], cwd: Path, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | {"EPICS_CA_ADDR_LIST": "127.0.0.1:1"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until_served(name: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not answers(name, port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """A copy of iocBoot/iocSnap in a facility's own place, as its README tells."""
    copied = tmp_path / "top" / "iocBoot" / "iocMine"
    shutil.copytree(TOP / "iocBoot" / "iocSnap", copied, ignore=shutil.ignore_patterns("snapshots.db*"))
    config = copied / "snapioc.toml"
    config.write_text(config.read_text().replace("connect_timeout = 5.0", "connect_timeout = 0.1"))
    return copied


def test_st_cmd_runs_from_any_directory_and_gets_the_signals_itself(instance: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with started([str(instance / "st.cmd"), "--port", str(port), "--prefix", "MINE:"], Path("/"), log, PATH=path) as process:
        wait_until_served("MINE:HEARTBEAT", port, process, log)
        assert (instance / "snapshots.db").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert f"iocSnap: snapioc 0.1.0 in {instance}" in log.read_text()


def test_st_cmd_prefers_the_snapioc_of_its_clone(instance: Path, tmp_path: Path) -> None:
    own = instance.parents[1] / ".venv" / "bin" / "snapioc"
    own.parent.mkdir(parents=True)
    own.write_text('#!/bin/sh\necho "own $@"\n')
    own.chmod(0o755)
    ended = subprocess.run([instance / "st.cmd", "-v"], cwd="/", capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "own run snapioc.toml -v\n")


def test_st_cmd_without_any_snapioc_says_so(instance: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin"}
    ended = subprocess.run([instance / "st.cmd"], cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 127
    assert ended.stderr.startswith("iocSnap: there is no snapioc in ")


def test_the_shipped_instance_is_sound() -> None:
    command = [sys.executable, "-m", "snapioc", "check", "--no-connect"]
    ended = subprocess.run(command, cwd=TOP / "iocBoot" / "iocSnap", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert os.access(TOP / "iocBoot" / "iocSnap" / "st.cmd", os.X_OK)


def test_list_pvs_names_what_is_served(instance: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "snapioc", "run", "snapioc.toml", "--port", str(port), "--list-pvs"]
    with started(command, instance, log) as process:
        wait_until_served("SNAP:HEARTBEAT", port, process, log)
    assert {"SNAP:TRIGGER", "SNAP:MACHINE:TRIGGER", "SNAP:HEARTBEAT"} <= set(log.read_text().split())


def test_an_interface_that_is_not_ours_is_one_line(instance: Path) -> None:
    command = [sys.executable, "-m", "snapioc", "run", "snapioc.toml", "--interfaces", "192.0.2.99"]
    ended = subprocess.run(command, cwd=instance, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert re.match(r"snapioc run: .*192\.0\.2\.99", ended.stderr.splitlines()[-1])
