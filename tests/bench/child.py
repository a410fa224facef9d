"""Child processes that answer requests: a JSON line in, a JSON line out. Each has its own libca and times itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.helpers.clients import client_environment

ROOT = Path(__file__).parents[2]


class Child:
    """`python -m tests.bench.participants.MODULE ARGUMENTS...`, which finds the servers at `addresses` and no others.

    Ends when the `with` block ends. `ask` raises RuntimeError if the child could not do what it was asked for.
    """

    def __init__(self, module: str, addresses: Sequence[str], *arguments: str) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.participants.{module}", *arguments],
            cwd=ROOT,
            env=client_environment(addresses),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def send(self, command: str, *arguments: Any) -> None:
        """Ask without waiting for the answer, which `receive` fetches."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([command, arguments]) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        """The answer to what was sent."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended with {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self._module}: {answer['error']}")
        return answer["ok"]

    def ask(self, command: str, *arguments: Any) -> Any:
        """Send and receive."""
        self.send(command, *arguments)
        return self.receive()


def serve(commands: Mapping[str, Callable[..., Any]]) -> None:
    """Answer requests until stdin ends; what the libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        command, arguments = json.loads(line)
        try:
            answer = {"ok": commands[command](*arguments)}
        except Exception as fault:  # noqa: BLE001 - the parent decides what it means
            answer = {"error": repr(fault)}
        print(json.dumps(answer), file=answers, flush=True)


def read_names(path: str) -> list[str]:
    """The PV names in a file, one per line."""
    return Path(path).read_text().split()
