"""The process ends soon and cleanly, whatever its IOCs do; 5 s are what operators were promised after a SIGTERM."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.channels.conftest import ENGINES, StartIoc

PROMISED = 5.0
BLOCKING = 60.0
"""EPICS_CA_CONN_TMO of the process: libca stays blocked for as long, so that nothing but our own doing ends it."""


@pytest.mark.parametrize(
    ("mode", "hung", "said"),
    [
        ("idle", False, "closed"),
        ("idle", True, "closed"),
        ("read", True, "closed"),
        ("block", True, "left behind"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_process_ends_in_time(start_ioc: StartIoc, pv_prefix: str, engine: str, mode: str, hung: bool, said: str) -> None:
    ioc = start_ioc(
        f'record(waveform, "{pv_prefix}W") {{ field(FTVL, "DOUBLE") field(NELM, "400000") }}\n'
        + "".join(f'record(ao, "{pv_prefix}{n}") {{}}\n' for n in range(3000)),
        EPICS_CA_MAX_ARRAY_BYTES="20000000",
    )
    pvs = [f"{pv_prefix}W", *(f"{pv_prefix}{n}" for n in range(3000))]
    command = [sys.executable, str(Path(__file__).with_name("leaving.py")), engine, mode, *pvs]
    with subprocess.Popen(
        ["env", f"EPICS_CA_CONN_TMO={BLOCKING}", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "connected\n"
        if hung:
            ioc.stop()
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "working\n"
        time.sleep(1)  # well into what it does
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=120)
    assert time.monotonic() - begun < PROMISED
    assert process.returncode == 0
    assert output == f"{said}\n"
    assert "Traceback" not in errors
