"""Which members a restore writes, and why it leaves the others alone."""

import pytest

from snapioc.model import (
    DbrType,
    Flag,
    Member,
    Mode,
    OnInvalid,
    PvSet,
    Reason,
    Severity,
    count_invalid,
    select,
    select_all,
)
from tests.unit.model.make import Row, readings

D, T = DbrType.DOUBLE, DbrType.STRING
GOOD: Row = (D, 1.0)


@pytest.mark.parametrize(
    ("member", "row", "why"),
    [
        (Member("A"), GOOD, None),
        (Member("A", mode=Mode.READ_ONLY), GOOD, "read-only member"),
        (Member("A"), Reason.NO_ANSWER, "missing in the snapshot: no answer in time"),
        (Member("A"), Reason.NEVER_CONNECTED, "missing in the snapshot: never connected"),
        (Member("A", mode=Mode.READ_ONLY), Reason.NO_ANSWER, "read-only member"),
        (Member("A"), (D, 0.0, {"severity": Severity.INVALID}), "stored with INVALID severity"),
        (Member("A", invalid=OnInvalid.WRITE), (D, 0.0, {"severity": Severity.INVALID}), None),
        (Member("A"), (D, 0.0, {"severity": Severity.MAJOR}), None),
        (Member("A"), (T, b"x" * 39, {"flags": Flag.CUT}), "its text was cut when it was read"),
        (Member("A"), (T, b"x" * 90, {"flags": Flag.LONG}), None),
        (
            Member("A", invalid=OnInvalid.WRITE),
            (T, b"x" * 39, {"flags": Flag.CUT, "severity": 3}),
            "its text was cut when it was read",
        ),
    ],
)
def test_what_is_not_written(member: Member, row: Row, why: str | None) -> None:
    selection = select(PvSet("S", (member, Member("B"))), readings(row, GOOD), "")
    assert selection.matched == 2
    assert selection.rows.tolist() == ([1] if why else [0, 1])
    assert selection.left_out == (((0, why),) if why else ())


def test_the_filter_chooses_before_the_rules() -> None:
    pv_set = PvSet(
        "S", (Member("A:1"), Member("A:2", mode=Mode.READ_ONLY), Member("B:1"), Member("B:2", mode=Mode.READ_ONLY))
    )
    stored = readings(*[GOOD] * 4)
    selection = select(pv_set, stored, "A:*")
    assert (selection.rows.tolist(), selection.left_out, selection.matched) == ([0], ((1, "read-only member"),), 2)
    nothing = select(pv_set, stored, "C*")
    assert (nothing.rows.tolist(), nothing.left_out, nothing.matched) == ([], (), 0)


def test_readbacks_that_are_no_members_are_not_written() -> None:
    pv_set = PvSet("S", (Member("A", readback="A:RB"), Member("B")))
    selection = select(pv_set, readings(*[GOOD] * 3), "")
    assert (selection.rows.tolist(), selection.matched) == ([0, 1], 2)


def test_what_the_list_of_now_calls_read_only_is_left_out_too() -> None:
    then = PvSet("S", (Member("A"), Member("B.VAL"), Member("C", mode=Mode.READ_ONLY), Member("D"), Member("E")))
    ro = Mode.READ_ONLY
    now = PvSet("S", (Member("D"), Member("A", mode=ro), Member("B", mode=ro), Member("C", mode=ro), Member("New", mode=ro)))
    selection = select(then, readings(*[GOOD] * 5), "", now)
    assert selection.rows.tolist() == [3, 4]
    why = "read-only in the set's list of now"
    assert selection.left_out == ((0, why), (1, why), (2, "read-only member"))
    assert select(then, readings(*[GOOD] * 5), "B*", now).left_out == ((1, why),)


def test_the_way_back_is_written_with_invalid_values() -> None:
    invalid = {"severity": Severity.INVALID}
    stored = readings((D, 0.0, invalid), Reason.NOT_ASKED, GOOD)
    pv_set = PvSet("S", (Member("A"), Member("B"), Member("C")))
    assert select(pv_set, stored, "").left_out == ((0, "stored with INVALID severity"),)
    selection = select(pv_set, stored, "", way_back=True)
    assert (selection.rows.tolist(), selection.left_out) == ([0, 2], ())


def test_all_that_was_read_is_taken_back_whatever_its_severity() -> None:
    invalid, cut = {"severity": Severity.INVALID}, {"flags": Flag.CUT}
    before = readings(
        GOOD, (D, 2.0, invalid), Reason.NOT_ASKED, (T, b"x" * 39, cut), Reason.NO_ANSWER, (T, b"long", {"flags": 2})
    )
    selection = select_all(before)
    assert (selection.rows.tolist(), selection.left_out, selection.matched) == ([0, 1, 5], (), 3)


def test_count_invalid_counts_what_was_read() -> None:
    bad = {"severity": Severity.INVALID}
    assert count_invalid(readings((D, 0.0, bad), (D, 0.0), Reason.NO_ANSWER, (T, b"", bad), (D, 0.0, {"severity": 2}))) == 2
