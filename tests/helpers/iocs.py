"""Real EPICS C IOCs in child processes, each on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.helpers.probe import answers


def free_port() -> int:
    """A port of 127.0.0.1 that is free for UDP and TCP."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def ioc_environment(port: int) -> dict[str, str]:
    """What makes a C IOC listen on this port of loopback, and nowhere else."""
    return os.environ | {
        "EPICS_CA_SERVER_PORT": str(port),
        "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_PVA_SERVER_PORT": "0",
        "EPICS_PVAS_SERVER_PORT": "0",
        "EPICS_PVAS_BROADCAST_PORT": "0",
        "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_PVAS_BEACON_ADDR_LIST": "127.0.0.1",
    }


_PROGRAM = "from epicscorelibs import ioc; ioc.dbCore.asSetFilename({acf!r}); ioc.main((), ())"
"""epicscorelibs.ioc has no option for access security, which must be named before the IOC starts."""

_OPEN_TO_ALL = "ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }\n"


def _state(thread: Path) -> str:
    """The state of a thread, as ps shows it."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:  # it has just ended
        return "Z"


class SoftIoc:
    """`python -m epicscorelibs.ioc` on a database, less its PVA server; ends when the `with` block ends.

    `acf` is the text of an access security file. `environment` adds to the IOC's environment, for example the
    EPICS_CA_ADDR_LIST of its CA links.
    """

    def __init__(
        self, database: str, macros: str = "", port: int | None = None, *, acf: str = "", **environment: str
    ) -> None:
        self.port = port or free_port()
        self._macros = macros
        self._environment = ioc_environment(self.port) | environment
        self._folder = tempfile.TemporaryDirectory()
        self._database = Path(self._folder.name) / "ioc.db"
        self._process: subprocess.Popen[bytes] | None = None
        self._write(database)
        self._security = Path(self._folder.name) / "ioc.acf"
        self._security.write_text(acf or _OPEN_TO_ALL)

    @property
    def address(self) -> str:
        """What a client puts into EPICS_CA_ADDR_LIST to find it."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> SoftIoc:
        try:
            self.start()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Start, and return when the IOC answers."""
        program = _PROGRAM.format(acf=str(self._security).encode())
        command = [sys.executable, "-c", program, "-m", self._macros, "-d", str(self._database)]
        # Its Python prompt ends at the end of stdin, so that is kept open.
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, env=self._environment, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
        deadline = time.monotonic() + 30
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the IOC did not come up: {self._database.read_text()[:500]}")

    def stop(self) -> None:
        """Hang it: it keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)
        assert self._process
        # The signal is on its way to each thread: one that runs on another processor may answer a request yet.
        for thread in Path(f"/proc/{self._process.pid}/task").iterdir():
            while _state(thread) not in "TZ":
                time.sleep(0.001)

    def cont(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def restart(self, database: str | None = None) -> None:
        """Kill it, and start it on the same port, with another database if one is given."""
        self.kill()
        if database is not None:
            self._write(database)
        self.start()

    def _write(self, database: str) -> None:
        self._database.write_text(database + f'\nrecord(bo, "ALIVE:{self.port}") {{}}\n')

    def _signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)

    def _answers(self) -> bool:
        return answers(f"ALIVE:{self.port}", self.port)
