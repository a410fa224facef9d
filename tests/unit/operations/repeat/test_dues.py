"""What is due and what is missed, when settings become others while nothing is served."""

from __future__ import annotations

import time

import pytest

from snapioc.operations.repeat.dues import CHANGED, Dues
from snapioc.operations.repeat.options import Options
from snapioc.operations.repeat.state import Account
from snapioc.operations.repeat.trigger import Trigger

OFF = Options()


@pytest.fixture
def account() -> Account:
    return Account("A", time.time)


@pytest.mark.parametrize("after", [Options(period=2, armed=True), Options(period=1), Options(armed=True)])
def test_points_of_the_grid_that_passed_are_missed(account: Account, after: Options) -> None:
    dues = Dues(account)
    dues.follow(Options(period=1, armed=True), 100)
    assert dues.take(101)
    dues.follow(after, 104.5)
    assert (account.state.missed, account.state.message) == (3, f"missed: {CHANGED}")
    dues.follow(OFF, 104.5)
    assert account.state.missed == 3


def test_points_that_are_to_come_are_not(account: Account) -> None:
    dues = Dues(account)
    dues.follow(Options(period=1, armed=True), 100)
    dues.follow(Options(period=2, armed=True), 100.9)
    dues.follow(Options(period=2, armed=True, burst=3), 200)
    assert account.state.missed == 0
    assert dues.take(200)


@pytest.mark.parametrize("after", [OFF, Options(armed=True, back=100, trig_pv="U")])
def test_triggers_that_wait_are_missed(account: Account, after: Options) -> None:
    dues = Dues(account)
    dues.follow(Options(armed=True, back=100, trig_pv="T"), 0)
    for _ in range(3):
        dues.triggered(Trigger("T changed", 1, 0), 1)
    dues.follow(after, 2)
    assert (account.state.missed, dues.next) == (3, None)


def test_a_change_that_was_due_is_missed_and_none_that_is_to_be_waited_for(account: Account) -> None:
    dues, on = Dues(account), Options(on_change=True, min_interval=10, armed=True)
    dues.follow(on, 0)
    dues.changed("X", 1, 0)
    dues.follow(OFF, 1)
    assert account.state.missed == 1
    dues.follow(on, 2)
    dues.changed("X", 1, 2)
    assert dues.take(2)
    dues.changed("X", 1, 3)
    dues.follow(OFF, 4)
    assert account.state.missed == 1


def test_a_title_does_not_count_changes_of_before(account: Account) -> None:
    dues, on = Dues(account), Options(on_change=True, min_interval=60, armed=True)
    dues.follow(on, 0)
    dues.changed("X", 50, 1)
    dues.follow(OFF, 2)
    dues.follow(on, 100)
    dues.changed("Y", 1, 100)
    due = dues.take(100)
    assert due
    assert due.why == "changed: Y"
