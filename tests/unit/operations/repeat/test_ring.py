"""What each PV held at a moment that is over."""

from __future__ import annotations

import random

import numpy as np
import pytest

from snapioc.model import DbrType, Reason
from snapioc.operations.repeat import ring as ring_module
from snapioc.operations.repeat.ring import LATEST, Ring, epics_now, stamp_of, state_at

from .events import events

PVS = 7


def values_at(ring: Ring, stamp: int) -> list[object]:
    readings = state_at(ring.parts(), stamp_of(*divmod(stamp, 10**9)), PVS)
    return [readings.value(row) if readings.ok[row] else Reason(readings.reason[row]) for row in range(PVS)]


def test_the_last_value_at_or_before_a_time() -> None:
    ring = Ring(PVS, 10.0)
    ring.add(events((0, 1.0, 10**9), (1, 5.0, 0), (2, 7.0, 9 * 10**9)), 0.0, LATEST)
    ring.add(events((0, 2.0, 2 * 10**9), (0, 3.0, 2 * 10**9 + 1)), 1.0, LATEST)
    unknown = [Reason.UNKNOWN_THEN] * 4
    assert values_at(ring, 2 * 10**9) == [2.0, 5.0, Reason.UNKNOWN_THEN, *unknown]
    assert values_at(ring, 2 * 10**9 + 1)[0] == 3.0
    assert values_at(ring, 2 * 10**9 - 1)[0] == 1.0
    assert values_at(ring, 9 * 10**9) == [3.0, 5.0, 7.0, *unknown]


def test_a_pv_that_went_is_missing_from_then_on() -> None:
    ring = Ring(PVS, 10.0)
    ring.add(events((0, 1.0, 10**9)), 0.0, LATEST)
    ring.add(events((0, Reason.DISCONNECTED)), 1.0, stamp_of(3, 0))
    assert values_at(ring, 2 * 10**9)[0] == 1.0
    assert values_at(ring, 3 * 10**9)[0] is Reason.DISCONNECTED


def test_a_clock_that_was_set_back() -> None:
    ring = Ring(PVS, 10.0)
    ring.add(events((0, 1.0, 100 * 10**9), (0, 2.0, 50 * 10**9)), 0.0, LATEST)
    assert values_at(ring, 120 * 10**9)[0] == 2.0


def test_nothing_is_known_of_an_empty_ring() -> None:
    assert values_at(Ring(PVS, 1.0), 5) == [Reason.UNKNOWN_THEN] * PVS


@pytest.mark.parametrize("seed", range(20))
def test_against_the_plain_rule(seed: int) -> None:
    """However batches fall and are folded, within the reach it is what a list of all events says."""
    chance = random.Random(seed)
    ring, reach = Ring(PVS, 1.0), 10**9
    history: list[tuple[int, bytes | Reason, int]] = []
    now = 50 * 10**9
    for _ in range(200):
        batch = []
        for _ in range(chance.randrange(1, 9)):
            now += chance.randrange(10**7)
            value = f"{now}".encode() if chance.random() < 0.95 else Reason.DISCONNECTED
            batch.append((chance.randrange(PVS - 1), value, now))
        ring.add(events(*batch, dbr_type=DbrType.STRING), now / 1e9, stamp_of(*divmod(now, 10**9)))
        history += [(row, value, now if isinstance(value, Reason) else at) for row, value, at in batch]
        moment = now - chance.randrange(reach)
        expected: list[object] = [Reason.UNKNOWN_THEN] * PVS
        for row, value, at in history:
            if at <= moment:
                expected[row] = value
        assert values_at(ring, moment) == expected
    assert len(ring.parts()) < 90


def test_a_ring_that_holds_too_much_reaches_less_far_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "MAX_BYTES", 100_000)
    ring = Ring(PVS, 1e6)
    for second in range(1, 200):
        wave = np.full(500, float(second))
        ring.add(events((0, wave, second * 10**9)), float(second), LATEST)
        assert sum(batch.size for batch in ring.parts()) <= 100_000 + wave.nbytes + 64
    assert ring.short
    assert state_at(ring.parts(), LATEST, PVS).value(0)[0] == 199.0  # type: ignore[index]


def test_stamps_sort_as_the_times_do() -> None:
    assert stamp_of(1, 999_999_999) < stamp_of(2, 0) < stamp_of(2**32 - 1, 0) < LATEST
    assert epics_now(631_152_000 + 5.25) == stamp_of(5, 250_000_000)
