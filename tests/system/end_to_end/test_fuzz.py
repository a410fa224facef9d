"""Nothing that a client puts can hurt: every PV still reads, the IOC is up, a save works."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aioca
import pytest

from tests.helpers.iocs import SoftIoc

from .conftest import Start
from .test_commands import database, names, put

SECONDS = float(os.environ.get("SNAPIOC_FUZZ_SECONDS", "8"))
"""How long to put; a minute is the promise, `SNAPIOC_FUZZ_SECONDS=60` proves it."""


@pytest.mark.usefixtures("ca")
async def test_random_puts_into_every_pv(start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 5))
    ioc = start_snapioc({"A": names("M:" + pv_prefix, 5)}, machine.address, list_pvs=True)
    served = [line for line in ioc.log.read_text().splitlines() if line.startswith(pv_prefix)]
    assert len(served) >= 70
    seed = random.randrange(10**6)
    command = [sys.executable, str(Path(__file__).with_name("fuzzer.py")), str(SECONDS), str(seed), str(ioc.port), *served]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 90, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), f"seed {seed}: {done.stderr[-2000:]}"
    assert await put(f"{pv_prefix}RESTORE_ENABLE", 1) == 1
    saved = await aioca.caget(f"{pv_prefix}A:OPS")
    assert await put(f"{pv_prefix}A:TRIGGER", 1) == 1
    assert await aioca.caget(f"{pv_prefix}A:OPS") == saved + 1
    assert await aioca.caget(f"{pv_prefix}A:RESULT") == 1
    assert "Traceback" not in ioc.log.read_text()
