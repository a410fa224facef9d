"""snapioc's own CA client with one of its engines, `engine.py NAME`; timed as the caller on the main event loop sees it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from snapioc.channels import CaChannels
from tests.bench.child import read_names, serve
from tests.bench.engines import ENGINES

PATIENCE = 120.0


class EngineUnderTest:
    """A set of PVs on CaChannels."""

    def __init__(self, engine: str) -> None:
        self._channels = CaChannels(ENGINES[engine]())
        self._channels.start()
        self._names: list[str] = []

    async def connect(self, path: str) -> float:
        """Connect and describe all; seconds."""
        self._names = read_names(path)
        begun = time.perf_counter()
        await self._channels.connect(self._names, PATIENCE)
        seconds = time.perf_counter() - begun
        missing = await self._channels.disconnected(self._names)
        if missing:
            raise RuntimeError(f"{len(missing)} are not connected")
        return seconds

    async def read(self) -> float:
        """Read all into Readings; seconds."""
        begun = time.perf_counter()
        readings = await self._channels.read(self._names, PATIENCE)
        seconds = time.perf_counter() - begun
        if not readings.ok.all():
            raise RuntimeError(f"{int((~readings.ok).sum())} are missing")
        return seconds


def main() -> None:
    with asyncio.Runner() as runner:
        under_test = EngineUnderTest(sys.argv[1])

        def blocking(method: Callable[..., Coroutine[Any, Any, float]]) -> Callable[..., float]:
            return lambda *arguments: runner.run(method(*arguments))

        serve({name: blocking(getattr(under_test, name)) for name in ("connect", "read")})


if __name__ == "__main__":
    main()
