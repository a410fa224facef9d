"""How snapioc serves its other clients while it saves a large set over and over."""

from __future__ import annotations

from . import measures
from .child import Child
from .facility import Facility
from .results import Results, percentile

LAG_WINDOW = 10.0
"""Seconds over which LOOP_LAG is the worst delay (snapioc.ioc.service)."""


def measure_load(results: Results, size: int, place: Facility, seconds: float) -> None:
    """Watch a control PV, the heartbeat and LOOP_LAG, first idle, then while SET is saved without a pause."""
    _watch(results, size, place, "idle", seconds)
    with Child("client", [place.ioc.address]) as saver:
        saver.send("put_for", place.pv("SET:TRIGGER"), seconds)
        _watch(results, size, place, "saving", seconds)
        results.add("TRIGGER over and over", measures.SNAPIOC, size, *saver.receive())


def _watch(results: Results, size: int, place: Facility, state: str, seconds: float) -> None:
    beat, lag = place.pv("HEARTBEAT"), place.pv("LOOP_LAG")
    with Child("client", [place.ioc.address]) as watcher:
        seen = watcher.ask("watch", place.pv("POLICY"), [beat, lag], seconds)
    # The first update comes with the subscription.
    arrivals = [at for at, _ in seen[beat][1:]]
    slips = [abs(later - at - 1.0) for at, later in zip(arrivals, arrivals[1:], strict=False)]
    # What it shows is up to LAG_WINDOW old: only what comes later is of this watch.
    settled = seen[lag][0][0] + LAG_WINDOW
    lags = [value / 1e3 for at, value in seen[lag] if at >= settled] or [seen[lag][-1][1] / 1e3]
    results.add(f"put-callback, p99, {state}", measures.SNAPIOC, size, percentile(seen["puts"], 0.99))
    results.add(f"put-callback, median, {state}", measures.SNAPIOC, size, percentile(seen["puts"], 0.5))
    results.add(f"put-callback, worst, {state}", measures.SNAPIOC, size, max(seen["puts"]))
    results.add(f"heartbeat slip, worst, {state}", measures.SNAPIOC, size, max(slips, default=0.0))
    results.add(f"LOOP_LAG, worst, {state}", measures.SNAPIOC, size, max(lags))
    results.add(f"heartbeats, {state}", measures.SNAPIOC, size, len(arrivals))
