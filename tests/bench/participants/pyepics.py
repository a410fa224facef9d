"""pyepics, the quick way its manual gives for many PVs: create all, then start all gets, then fetch them."""

from __future__ import annotations

import time
from typing import Any

from epics import ca

from tests.bench.child import read_names, serve

PATIENCE = 300.0


class Pyepics:
    """A set of PVs on pyepics' channels."""

    def __init__(self) -> None:
        self._channels: list[Any] = []
        self._types: list[int] = []

    def connect(self, path: str) -> float:
        """Connect all; seconds."""
        names = read_names(path)
        begun = time.perf_counter()
        self._channels = [ca.create_channel(name, connect=False, auto_cb=False) for name in names]
        for channel in self._channels:
            ca.connect_channel(channel, timeout=PATIENCE)
        seconds = time.perf_counter() - begun
        self._types = [ca.promote_type(channel, use_time=True) for channel in self._channels]
        return seconds

    def read(self) -> float:
        """Read all with their times and severities; seconds."""
        begun = time.perf_counter()
        for channel, kind in zip(self._channels, self._types, strict=True):
            ca.get_with_metadata(channel, ftype=kind, wait=False)
        for channel, kind in zip(self._channels, self._types, strict=True):
            if ca.get_complete_with_metadata(channel, ftype=kind, timeout=PATIENCE) is None:
                raise TimeoutError(ca.name(channel))
        return time.perf_counter() - begun


if __name__ == "__main__":
    pyepics = Pyepics()
    serve({"connect": pyepics.connect, "read": pyepics.read})
