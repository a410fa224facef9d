"""A CA server in a child process, found by no client but those that are told its port."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

from tests.helpers.clients import client_environment
from tests.helpers.iocs import free_port

QUIET_NETWORK = {
    "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
    "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
    "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
    "EPICS_CA_REPEATER_PORT": "1",
    "PYTHONPATH": str(Path(__file__).parents[2]),
}
"""Nothing leaves the loopback interface."""


class ServerProcess:
    """`python SCRIPT PREFIX PORT ...` from this folder; up once it has printed "serving", killed with the `with` block."""

    def __init__(self, script: str = "small_ioc.py", *arguments: str, prefix: str | None = None, **environment: str) -> None:
        self.prefix = prefix or f"T{uuid.uuid4().hex[:8]}:"
        self.port = free_port()
        self.lines: list[str] = []
        command = [sys.executable, str(Path(__file__).with_name(script)), self.prefix, str(self.port), *arguments]
        self.process = subprocess.Popen(
            command,
            env=client_environment([self.address]) | QUIET_NETWORK | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def __enter__(self) -> ServerProcess:
        self.wait_for("serving")
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()

    def wait_for(self, text: str) -> str:
        """The first line of its output with this text; RuntimeError if it ends, or a minute goes by, without."""
        deadline = time.monotonic() + 60
        while not (found := [line for line in self.lines if text in line]):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self._reader.join(1)
                raise RuntimeError(f"no {text!r} from the server:\n{self.log}")
            time.sleep(0.02)
        return found[0]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self._reader.join()
        return code

    @property
    def log(self) -> str:
        """All it has printed."""
        return "\n".join(self.lines)

    @property
    def address(self) -> str:
        """What a client puts into EPICS_CA_ADDR_LIST to find it."""
        return f"127.0.0.1:{self.port}"

    def pv(self, name: str) -> str:
        """The full name of one of its PVs."""
        return f"{self.prefix}{name}"
