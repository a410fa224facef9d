"""Silence is counted in slices."""

from __future__ import annotations

import time

import pytest

from snapioc.channels.bulk import silence
from snapioc.channels.bulk.silence import LONGEST, SHORTEST, Silence


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(silence, "time", type("clock", (), {"monotonic": lambda: now[0]}))
    assert time.monotonic() != 100.0
    return now


def test_it_is_over_when_nothing_was_heard_for_long_enough(clock: list[float]) -> None:
    quiet = Silence(1.0)
    for _ in range(19):
        clock[0] += 0.05
        quiet.look(heard=False)
    assert not quiet.over
    clock[0] += 0.06
    quiet.look(heard=False)
    assert quiet.over


def test_what_is_heard_begins_it_anew(clock: list[float]) -> None:
    quiet = Silence(0.3)
    for heard in (False, False, True, False, False):
        clock[0] += 0.1
        quiet.look(heard=heard)
    assert not quiet.over


def test_a_loop_that_was_held_up_is_no_silence(clock: list[float]) -> None:
    quiet = Silence(1.0)
    clock[0] += 60
    quiet.look(heard=False)
    assert not quiet.over


def test_one_sleeps_the_longer_the_longer_nothing_comes(clock: list[float]) -> None:
    quiet = Silence(100.0)
    assert quiet.pause == SHORTEST
    for _ in range(50):
        clock[0] += 0.1
        quiet.look(heard=False)
    assert quiet.pause == LONGEST
