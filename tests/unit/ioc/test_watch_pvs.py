"""How the watch over a set is shown, and which watch the console shows."""

from __future__ import annotations

import pytest

from snapioc.ioc.watch_pvs import WatchPvs, WatchView
from snapioc.model import GOLDEN_ID
from snapioc.operations.watch import Drift, DriftWatches
from tests.unit.operations.machine import Machine


@pytest.mark.parametrize(
    ("count", "maximum", "value", "severity"),
    [(None, 10, -1, 3), (0, 10, 0, 0), (0, 0, 0, 0), (1, 10, 1, 1), (10, 10, 10, 1), (11, 10, 11, 2), (1, 0, 1, 2)],
)
async def test_severities(count: int | None, maximum: int, value: int, severity: int) -> None:
    machine = Machine()
    watches = DriftWatches(machine.plant)
    pvs = WatchPvs("S:A:", machine.a, watches)
    watch = watches.of("A")
    await watch.settings.set_maximum(maximum)
    watch.drift = Drift(count, "said")
    await WatchView(pvs).start()
    assert (pvs.drift.value, int(pvs.drift.alarm.severity), pvs.drift_message.value) == (value, severity, "said")


async def test_drifted_ends_with_how_many_more() -> None:
    machine = Machine()
    watches = DriftWatches(machine.plant)
    pvs = WatchPvs("S:A:", machine.a, watches)
    watches.of("A").drift = Drift(5, "said", ("A:1\t0.0\t1.0",), "snapioc diff 1001 live")
    await WatchView(pvs).start()
    assert pvs.drifted.value == "A:1\t0.0\t1.0\n... and 4 more: snapioc diff 1001 live"


async def test_the_console_follows_set() -> None:
    machine = Machine()
    machine.store.kept = {("A", GOLDEN_ID): "1001", ("B", GOLDEN_ID): "1002", ("B", "DRIFT_PERIOD"): "2.5"}
    await machine.plant.settings.load()
    watches = DriftWatches(machine.plant)
    pvs = WatchPvs("S:", machine.console, watches)
    view = WatchView(pvs)
    watches.watchers.append(view.news_of)
    await view.start()
    assert (pvs.golden_id.value, pvs.period.value) == (1001, 0.0)
    await watches.of("B").settings.set_period(5.0)
    assert pvs.period.value == 0.0
    machine.console.choose("B")
    await view.changed()
    assert (pvs.golden_id.value, pvs.period.value) == (1002, 5.0)
    await pvs.put_period(0.5, None)  # type: ignore[arg-type]
    assert (watches.of("A").settings.period, watches.of("B").settings.period) == (0.0, 0.5)
