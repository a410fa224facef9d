"""The verdict on every PV of a restore."""

from __future__ import annotations

import numpy as np

from snapioc.model import Member, PvSet, PvVerdict, Selection
from snapioc.operations.account import Account

RESTORED, UNCHANGED, LATE, CANNOT = PvVerdict.RESTORED, PvVerdict.UNCHANGED, PvVerdict.LATE, PvVerdict.CANNOT
PV_SET = PvSet("A", tuple(Member(f"A:{i}") for i in range(6)))


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.intp)


def account(*chosen: int, left_out: tuple[tuple[int, str], ...] = ()) -> Account:
    return Account(PV_SET, Selection(rows(*chosen), left_out))


def verdicts(of: Account) -> dict[int, PvVerdict]:
    outcomes = of.outcomes()
    return {row: PvVerdict(verdict) for row, verdict in zip(outcomes.rows.tolist(), outcomes.verdicts.tolist(), strict=True)}


def test_who_has_no_verdict_yet_is_not_written() -> None:
    found = account(1, 3)
    assert verdicts(found) == {1: PvVerdict.NOT_WRITTEN, 3: PvVerdict.NOT_WRITTEN}
    assert (found.failures, found.left_out, found.count(PvVerdict.NOT_WRITTEN)) == ((), (), 2)


def test_what_is_left_out_has_its_reason_and_stands_in_the_order_of_the_set() -> None:
    found = account(1, 5, left_out=((0, "read-only member"), (3, "stored with INVALID severity")))
    assert list(verdicts(found)) == [0, 1, 3, 5]
    assert (verdicts(found)[0], verdicts(found)[3]) == (PvVerdict.LEFT_OUT, PvVerdict.LEFT_OUT)
    assert found.left_out == (("A:0", "read-only member"), ("A:3", "stored with INVALID severity"))
    assert found.failures == ()
    assert found.outcomes().texts == {0: "read-only member", 3: "stored with INVALID severity"}


def test_only_what_was_chosen_is_counted() -> None:
    found = account(1, 2)
    found.set(rows(1), RESTORED)
    assert (found.count(RESTORED), found.count(RESTORED, PvVerdict.NOT_WRITTEN), found.count(LATE)) == (1, 2, 0)
    assert found.have(rows(2, 1), RESTORED, LATE).tolist() == [False, True]


def test_failures_stand_in_the_order_of_the_set() -> None:
    found = account(0, 1, 2)
    found.fail(LATE, {2: "late"})
    found.fail(CANNOT, {0: "disconnected"})
    assert found.failures == (("A:0", "disconnected"), ("A:2", "late"))
    assert verdicts(found) == {0: CANNOT, 1: PvVerdict.NOT_WRITTEN, 2: LATE}


def test_the_last_verdict_counts() -> None:
    found = account(0, 1)
    found.fail(LATE, {0: "late", 1: "late"})
    found.fail(PvVerdict.DIFFERENT, {1: "reads 2"})
    found.set(rows(0), RESTORED)
    assert (found.failures, verdicts(found)) == ((("A:1", "reads 2"),), {0: RESTORED, 1: PvVerdict.DIFFERENT})
    assert found.outcomes().texts == {1: "reads 2"}


def test_a_note_is_no_failure_and_gives_way_to_one() -> None:
    found = account(0, 1, 2)
    found.note(0, "written at once")
    found.note(1, "written at once")
    found.fail(LATE, {1: "late"})
    found.fail(LATE, {2: "late"})
    found.note(2, "written at once")
    found.set(rows(0), RESTORED)
    assert found.failures == (("A:1", "late"), ("A:2", "late"))
    assert found.outcomes().texts == {0: "written at once", 1: "late", 2: "late"}


def test_nothing_chosen() -> None:
    found = account()
    assert (len(found.outcomes()), found.count(*PvVerdict)) == (0, 0)
