"""DemoMachine: the demo machine's IOC as a child process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from snapioc.model import SnapError

from .devices import RECORDS, devices
from .network import client_variables, server_environment

_SOFT_IOC = "from epicscorelibs.ioc import main; main((), ())"
"""`python -m epicscorelibs.ioc` without QSRV, whose pvAccess (7.0.10) listens on all interfaces, whatever it is told."""

_READY = b"IOC Running"
_START_WITHIN = 60.0
_STOP_WITHIN = 3.0


class DemoMachine:
    """A C soft IOC with the demo records on a loopback port; runs while the `with` block does, and never outlives us.

    What it prints goes to the file `log`. Raises SnapError if it does not start.
    """

    def __init__(self, port: int, log: Path) -> None:
        self.port, self.log = port, log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> DemoMachine:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Start the IOC, and return when it serves."""
        environment = server_environment(os.environ, self.port) | client_variables(self.port)
        with self.log.open("wb") as log:
            # Its Python prompt ends at the end of stdin, which comes when we close it, or when we are no more. A session of
            # its own keeps it out of the terminal's Ctrl-C: we end it last.
            self._process = subprocess.Popen(
                soft_ioc_command(),
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_WITHIN
        while _READY not in self.log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SnapError(f"the demo machine did not start; {self.log} says why")
            time.sleep(0.02)

    def close(self) -> None:
        """End the IOC."""
        if self._process is None:
            return
        try:
            self._process.communicate(timeout=_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._process = None


def soft_ioc_command() -> list[str]:
    """The command line of the machine's IOC, with every device's record file and macros."""
    command = [sys.executable, "-P", "-c", _SOFT_IOC]
    for file, macros in devices():
        command += ["-m", _definitions(macros), "-d", str(RECORDS / file)]
    return command


def _definitions(macros: Mapping[str, str]) -> str:
    return ",".join(f"{name}='{value}'" for name, value in macros.items())
