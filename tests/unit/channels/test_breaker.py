"""When a server counts as hung."""

from __future__ import annotations

from snapioc.channels.breaker import HUNG_AFTER, LATE_AFTER, PROBE_AFTER, Breaker


def silence(breaker: Breaker, seconds: float, *, owed: bool) -> None:
    for _ in range(round(seconds * 10)):
        breaker.look(heard=False, owed=owed, lived=0.1)


def test_one_that_owes_nothing_is_never_hung_but_asked() -> None:
    breaker = Breaker()
    silence(breaker, PROBE_AFTER - 0.5, owed=False)
    assert not breaker.due
    silence(breaker, 1, owed=False)
    assert breaker.due
    silence(breaker, 100, owed=False)
    assert not breaker.hung


def test_one_that_owes_an_answer_for_long_is_hung_until_it_is_heard() -> None:
    breaker = Breaker()
    silence(breaker, HUNG_AFTER - 0.5, owed=True)
    assert not breaker.hung
    silence(breaker, 1, owed=True)
    assert breaker.hung
    silence(breaker, 1, owed=False)  # libca has forgotten what was asked
    assert breaker.hung
    breaker.look(heard=True, owed=True, lived=0.1)
    assert not breaker.hung
    assert not breaker.due


def test_one_that_says_something_now_and_then_is_not_hung() -> None:
    breaker = Breaker()
    for _ in range(20):
        silence(breaker, 3, owed=True)
        breaker.look(heard=True, owed=True, lived=0.1)
    assert not breaker.hung


def test_what_it_owes_now_counts_from_now() -> None:
    breaker = Breaker()
    silence(breaker, 100, owed=False)
    silence(breaker, HUNG_AFTER - 0.5, owed=True)
    assert not breaker.hung


def test_a_process_that_was_held_up_learns_nothing_from_that() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.look(heard=False, owed=True, lived=60.0)
    assert not breaker.hung
    assert not breaker.due


def test_a_read_that_gave_up_makes_it_late_if_it_had_some_time() -> None:
    breaker = Breaker()
    silence(breaker, LATE_AFTER / 2, owed=True)
    breaker.gave_up()
    assert not breaker.late
    silence(breaker, LATE_AFTER, owed=True)
    breaker.gave_up()
    assert breaker.late
    assert not breaker.hung
    breaker.look(heard=True, owed=True, lived=0.1)
    assert not breaker.late


def test_one_that_libca_gave_up_is_hung_and_one_without_a_connection_is_not() -> None:
    breaker = Breaker()
    breaker.unresponsive()
    assert breaker.hung
    breaker.gone()
    assert not breaker.hung
