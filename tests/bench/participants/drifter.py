"""A client of machine and snapioc at once: changes a setpoint and waits until DRIFT tells."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.bench.child import serve
from tests.bench.libca import PATIENCE
from tests.bench.participants.client import Client


class Drifter(Client):
    """Its clock counts from before the put to the arrival of the monitor."""

    def rise(self, setpoint: str, value: int, drift: str) -> float:
        """Put a value that is not the golden one; the seconds until DRIFT is greater than it was."""
        updates = self._follow(drift)
        self._until(lambda: bool(updates))
        before, begun = updates[-1][1], time.perf_counter()
        self.put(setpoint, value)
        self._until(lambda: updates[-1][1] > before)
        return next(at for at, count in updates if count > before) - begun

    def until(self, name: str, value: float) -> None:
        """Wait until a PV has a value."""
        self._until(lambda: self.get(name) == value, 0.1)

    def _until(self, check: Callable[[], bool], pause: float = 0.001) -> None:
        deadline = time.monotonic() + PATIENCE
        while not check():
            if time.monotonic() > deadline:
                raise RuntimeError("it never came to be")
            time.sleep(pause)


if __name__ == "__main__":
    drifter = Drifter()
    serve({name: getattr(drifter, name) for name in ("put", "get", "rise", "until")})
