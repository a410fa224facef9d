"""What the watch over the drift of a set costs, and how soon it tells. Every PV is read once a second."""

from __future__ import annotations

import random
import time
from pathlib import Path

import psutil

from . import measures
from .child import Child
from .facility import Facility, facility
from .results import Results
from .targets import Targets, targets

PERIOD = 1
"""Seconds between two checks."""

OFF = "CPU of snapioc, drift not watched"
NONE = "CPU of snapioc, drift at 1 Hz, nothing drifted"
SOME = "CPU of snapioc, drift at 1 Hz, 100 PVs drifted"
ALL = "CPU of snapioc, drift at 1 Hz, all drifted"
MOVING = "CPU of snapioc, drift at 1 Hz, all drifted and moving"
RISE = "setpoint until DRIFT rises, period 1 s"


def measure_drift(results: Results, size: int, seconds: float, repeat: int, folder: Path) -> None:
    """Watch `size` PVs in each state for so long; shares of one core, and seconds from a put to the monitor of DRIFT."""
    with targets(size, folder) as machine, facility(machine, folder / f"drift{size}") as place:
        names = machine.names.read_text().split()
        with Child("drifter", [*machine.addresses, place.ioc.address]) as client:
            place.trigger()
            golden = place.last_id()
            results.add(OFF, measures.SNAPIOC, size, _share(place, seconds))
            client.ask("put", place.pv("SET:GOLDEN_ID"), golden)
            client.ask("put", place.pv("SET:DRIFT_PERIOD"), PERIOD)
            _settled(results, NONE, size, place, client, 0, seconds)
            _rises(results, size, place, client, names, repeat)
            for number, name in enumerate(_numbers(names)[:100]):
                client.ask("put", name, 1_000_000 + number)
            _settled(results, SOME, size, place, client, 100, seconds)
            place.restore(golden)
            _all(results, size, place, client, machine, seconds)


def _all(results: Results, size: int, place: Facility, client: Child, machine: Targets, seconds: float) -> None:
    """Give every PV another value, first once, then again and again."""
    with Child("libca", machine.addresses) as lean:
        lean.ask("connect", str(machine.names))
        lean.ask("remember")
        lean.ask("change", 1)
        _settled(results, ALL, size, place, client, size, seconds)
        begun, used, step = time.monotonic(), _used(place), 1
        while time.monotonic() < begun + seconds:
            step += 1
            due = time.monotonic() + PERIOD
            lean.ask("change", 2 * step + 1)  # odd: an enum is then not back at its golden state
            time.sleep(max(0.0, due - time.monotonic()))
        results.add(MOVING, measures.SNAPIOC, size, (_used(place) - used) / (time.monotonic() - begun))


def _settled(results: Results, measure: str, size: int, place: Facility, client: Child, count: int, seconds: float) -> None:
    client.ask("until", place.pv("SET:DRIFT"), count)
    results.add(measure, measures.SNAPIOC, size, _share(place, seconds))
    if client.ask("get", place.pv("SET:DRIFT")) != count:
        raise RuntimeError(f"DRIFT is {client.ask('get', place.pv('SET:DRIFT')):g}, not {count}")


def _rises(results: Results, size: int, place: Facility, client: Child, names: list[str], repeat: int) -> None:
    drift = place.pv("SET:DRIFT")
    for turn, name in enumerate(_numbers(names)[:repeat]):
        time.sleep(random.random() * PERIOD)  # noqa: S311 - so that the puts fall anywhere between two checks
        results.add(RISE, measures.SNAPIOC, size, client.ask("rise", name, 1_000_000 + turn, drift))
    place.restore(place.last_id())
    client.ask("until", drift, 0)


def _numbers(names: list[str]) -> list[str]:
    """The PVs that are numbers (see `targets`), spread over the set."""
    numbers = [name for row, name in enumerate(names) if row % 100 < 90]
    return numbers[:: max(1, len(numbers) // 1000)]


def _share(place: Facility, seconds: float) -> float:
    """The part of one core that snapioc takes, all threads together."""
    begun, used = time.monotonic(), _used(place)
    time.sleep(seconds)
    return (_used(place) - used) / (time.monotonic() - begun)


def _used(place: Facility) -> float:
    assert place.ioc.process
    times = psutil.Process(place.ioc.process.pid).cpu_times()
    return float(times.user + times.system)
