"""A client that is not ours, in a process of its own: pyepics with its libca, driven by JSON lines on stdin.

Each line is [command, arguments...]; each answer one JSON line. Arrays go as lists, bytes never.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import epics
import numpy as np


def plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return repr(value)
    return value


def serve() -> None:
    channels: dict[str, epics.PV] = {}
    seen: list[list[Any]] = []

    def channel(name: str) -> epics.PV:
        if name not in channels:
            channels[name] = epics.PV(name, auto_monitor=False)
        if not channels[name].wait_for_connection(timeout=60):
            raise TimeoutError(name)
        return channels[name]

    def get(name: str, **options: Any) -> Any:
        return plain(channel(name).get(timeout=60, use_monitor=False, **options))

    def put(name: str, value: Any, wait: bool = True, timeout: float = 60) -> Any:
        value = np.array(value) if isinstance(value, list) else value
        return channel(name).put(value, wait=wait, timeout=timeout)

    def monitor(name: str) -> None:
        def note(value: Any = None, **_: Any) -> None:
            seen.append([name, plain(value)])

        epics.camonitor(name, callback=note)

    def take() -> list[list[Any]]:
        epics.poll(evt=1e-4, iot=1e-2)
        taken = list(seen)
        del seen[: len(taken)]
        return taken

    commands = {"get": get, "put": put, "monitor": monitor, "take": take}
    for line in sys.stdin:
        command, arguments, options = json.loads(line)
        try:
            answer = {"ok": commands[command](*arguments, **options)}
        except Exception as fault:  # the test on the other side decides what it means
            answer = {"error": repr(fault)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
