"""Clients that are not ours: pyepics in a child process, and the command-line tools that come with caproto."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def client_environment(addresses: Sequence[str]) -> dict[str, str]:
    """The environment in which a client finds the given servers, and nothing else."""
    return os.environ | {"EPICS_CA_AUTO_ADDR_LIST": "NO", "EPICS_CA_ADDR_LIST": " ".join(addresses)}


class Pyepics:
    """pyepics in a process of its own; each method is one request to it, and raises RuntimeError if that fails."""

    def __init__(self, addresses: Sequence[str]) -> None:
        worker = Path(__file__).with_name("pyepics_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, str(worker)],
            env=client_environment(addresses),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Pyepics:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def get(self, name: str, **options: Any) -> Any:
        """A fresh read."""
        return self._ask("get", name, **options)

    def put(self, name: str, value: Any, *, wait: bool = True, timeout: float = 60) -> Any:
        """A put, with put-callback unless `wait` is False; None if it did not complete in time."""
        return self._ask("put", name, value, wait=wait, timeout=timeout)

    def monitor(self, name: str) -> None:
        """Subscribe; `take` hands out what came."""
        self._ask("monitor", name)

    def sleep(self, seconds: float) -> None:
        """Let time pass before the next request."""
        time.sleep(seconds)

    def take(self) -> list[list[Any]]:
        """The monitor events since the last call, as [name, value]."""
        return list(self._ask("take"))

    def _ask(self, command: str, *arguments: Any, **options: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([command, arguments, options]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]


def caproto_tool(
    tool: str, *arguments: str, addresses: Sequence[str], timeout: float = 90
) -> subprocess.CompletedProcess[str]:
    """Run `caproto-put`, `caproto-get` or another of its tools."""
    # Its repeater would outlive it, and hold our end of its output open.
    command = [str(Path(sys.executable).with_name(tool)), "--no-repeater", *arguments]
    return subprocess.run(
        command, env=client_environment(addresses), capture_output=True, text=True, timeout=90, check=False
    )
