"""Completion never overtakes the monitors of the results (rule 5)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.helpers.clients import client_environment
from tests.helpers.iocs import SoftIoc

from .conftest import Start
from .test_commands import database, names

ROUNDS = 1000


def test_results_are_seen_before_the_completion(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 20))
    ioc = start_snapioc({"A": names("M:" + pv_prefix, 20)}, machine.address)
    command = [sys.executable, str(Path(__file__).with_name("sequencer.py")), f"{pv_prefix}A:", str(ROUNDS)]
    environment = client_environment([ioc.address])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "0 []"
