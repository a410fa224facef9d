"""A snapioc IOC as its own process, the way a facility runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path


class SnapiocProcess:
    """`python -m snapioc run` on a configuration; ends when the `with` block ends."""

    patience = 60.0
    """Seconds in which it surely serves."""

    def __init__(
        self, folder: Path, toml: str, port: int, machine: Sequence[str], *options: str, **environment: str
    ) -> None:
        self.folder, self.port, self.machine = folder, port, list(machine)
        self.config = folder / "snapioc.toml"
        self.config.write_text(toml)
        self.log = folder / "snapioc.log"
        self._options = options
        self._environment = os.environ | {
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
            "EPICS_CA_ADDR_LIST": " ".join(machine),
            "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
            "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
            "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SnapiocProcess:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process and self.process.poll() is None:
            self.kill()

    def start(self) -> None:
        """Start, and return when clients can connect."""
        command = [sys.executable, "-m", "snapioc", "run", str(self.config), "--port", str(self.port), *self._options]
        with self.log.open("ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + self.patience
        while not re.search(rb"serving \d+ PVs", self.log.read_bytes()[begin:]):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"snapioc did not come up:\n{self.log.read_text()}")
            time.sleep(0.05)

    def terminate(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; returns the exit code and the seconds it took to end."""
        assert self.process
        begun = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        return code, time.monotonic() - begun

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process
        self.process.kill()
        self.process.wait()

    @property
    def address(self) -> str:
        """What a client puts into EPICS_CA_ADDR_LIST to find it."""
        return f"127.0.0.1:{self.port}"
