"""An operator's client: single channels of snapioc's own PVs through libca, with put-callbacks and monitors."""

from __future__ import annotations

import queue
import time
from typing import Any

from tests.bench.child import serve
from tests.bench.libca import DOUBLE, LONG, NORMAL, PATIENCE, check, create, ffi, lib

DBE_VALUE = 1
PAUSE = 0.02
"""Seconds between two puts of which the latency is measured."""

_completed: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()
_seen: dict[int, list[tuple[float, float]]] = {}


@ffi.callback("void(evargs)")  # type: ignore[untyped-decorator]
def _on_put(event: Any) -> None:
    _completed.put((event.status, time.perf_counter()))


@ffi.callback("void(evargs)")  # type: ignore[untyped-decorator]
def _on_update(event: Any) -> None:
    _seen[int(ffi.cast("uintptr_t", event.usr))].append((time.perf_counter(), ffi.cast("double *", event.dbr)[0]))


class Client:
    """Channels by name, made when they are first used."""

    def __init__(self) -> None:
        check(lib.ca_context_create(1), "libca")
        self._channels: dict[str, Any] = {}

    def put(self, name: str, value: int) -> float:
        """Put with callback; the seconds until it completed. Raises RuntimeError if it failed."""
        channel, place = self._channel(name), ffi.new("int *", value)
        begun = time.perf_counter()
        check(lib.ca_array_put_callback(LONG, 1, channel, place, _on_put, ffi.NULL), name)
        lib.ca_flush_io()
        status, ended = _completed.get(timeout=PATIENCE)
        check(status, name)
        return ended - begun

    def get(self, name: str) -> float:
        """A fresh read."""
        place = ffi.new("double *")
        check(lib.ca_array_get(DOUBLE, 1, self._channel(name), place), name)
        check(lib.ca_pend_io(PATIENCE), name)
        return float(place[0])

    def put_for(self, name: str, seconds: float) -> list[float]:
        """Put 1 with callback over and over; the seconds that each took."""
        end, took = time.perf_counter() + seconds, []
        while time.perf_counter() < end:
            took.append(self.put(name, 1))
        return took

    def watch(self, control: str, monitored: list[str], seconds: float) -> dict[str, Any]:
        """For so long put to `control` again and again, and follow other PVs.

        Returns the seconds that each put took, and per monitored PV its updates as (time of arrival in seconds, value).
        """
        subscriptions = {name: self._follow(name) for name in monitored}
        puts: list[float] = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            puts.append(self.put(control, len(puts) % 2))
            time.sleep(PAUSE)
        return {"puts": puts, **{name: list(updates) for name, updates in subscriptions.items()}}

    def _follow(self, name: str) -> list[tuple[float, float]]:
        number, place = len(_seen) + 1, ffi.new("void **")
        updates = _seen[number] = []
        usr = ffi.cast("void *", number)
        channel = self._channel(name)
        if lib.ca_create_subscription(DOUBLE, 1, channel, DBE_VALUE, _on_update, usr, place) != NORMAL:
            raise RuntimeError(f"{name} cannot be monitored")
        lib.ca_flush_io()
        return updates

    def _channel(self, name: str) -> Any:
        if name not in self._channels:
            self._channels[name] = create([name])[0]
        return self._channels[name]


if __name__ == "__main__":
    client = Client()
    serve({name: getattr(client, name) for name in ("put", "get", "put_for", "watch")})
