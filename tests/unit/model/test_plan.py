"""Which members a restore writes, and why it leaves the others alone."""

from dataclasses import replace

import numpy as np
import pytest

from snapioc.model import (
    ChannelStates,
    DbrType,
    Flag,
    Member,
    Mode,
    OnInvalid,
    PvSet,
    Reason,
    Severity,
    check,
    count_invalid,
    select,
)
from tests.unit.model.make import Row, array, enum, live, readings

D, L, T = DbrType.DOUBLE, DbrType.LONG, DbrType.STRING
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
    assert selection.rows == ((1,) if why else (0, 1))
    assert selection.left_out == ((("A", why),) if why else ())


def test_the_filter_chooses_before_the_rules() -> None:
    pv_set = PvSet(
        "S", (Member("A:1"), Member("A:2", mode=Mode.READ_ONLY), Member("B:1"), Member("B:2", mode=Mode.READ_ONLY))
    )
    stored = readings(*[GOOD] * 4)
    selection = select(pv_set, stored, "A:*")
    assert (selection.rows, selection.left_out, selection.matched) == ((0,), (("A:2", "read-only member"),), 2)
    nothing = select(pv_set, stored, "C*")
    assert (nothing.rows, nothing.left_out, nothing.matched) == ((), (), 0)


def test_readbacks_that_are_no_members_are_not_written() -> None:
    pv_set = PvSet("S", (Member("A", readback="A:RB"), Member("B")))
    selection = select(pv_set, readings(*[GOOD] * 3), "")
    assert (selection.rows, selection.matched) == ((0, 1), 2)


def states(channels: ChannelStates, **columns: list[bool]) -> ChannelStates:
    return replace(channels, **{name: np.array(column) for name, column in columns.items()})  # type: ignore[arg-type]


def test_check_names_each_pv_that_cannot_be_written() -> None:
    values = readings((D, 0.0), (D, 1.0), (D, 2.0), (D, 3.0), (D, 4.5), (T, b"five"), enum(1, "Off", "On"))
    now = states(
        live((D, 1), (D, 1), (D, 1), (D, 1), (L, 1), (T, 1), (DbrType.ENUM, 1, ("On", "Off"))),
        connected=[True, False, False, True, True, True, True],
        ever_connected=[True, True, False, True, True, True, True],
        writable=[True, False, False, False, True, True, True],
    )
    checked = check(values, now)
    assert checked.failures == {
        1: "disconnected",
        2: "never connected",
        3: "no write access",
        4: "stored as DOUBLE, and 4.5 is no LONG, which the PV is now",
    }
    assert checked.rows == (0, 5, 6)
    assert [checked.values.value(row) for row in range(len(checked.values))] == [0.0, b"five", 0]


def test_check_when_all_or_none_pass() -> None:
    values, now = readings((D, 1.0), (D, array(D, 1, 2))), live((D, 1), (D, 2))
    assert check(values, now).rows == (0, 1)
    dead = check(values, states(now, connected=[False, False], ever_connected=[False, True]))
    assert (dead.rows, len(dead.values)) == ((), 0)
    assert dead.failures == {0: "never connected", 1: "disconnected"}
    assert check(readings(), live()).rows == ()


def test_channel_states_select() -> None:
    some = states(live((D, 1), (T, 2), (DbrType.ENUM, 3, ("a",))), writable=[True, False, True]).select([2, 1])
    assert (len(some), some.labels) == (2, (("a",), ()))
    assert (some.element_count.tolist(), some.writable.tolist()) == ([3, 2], [True, False])


def test_count_invalid_counts_what_was_read() -> None:
    bad = {"severity": Severity.INVALID}
    assert count_invalid(readings((D, 0.0, bad), (D, 0.0), Reason.NO_ANSWER, (T, b"", bad), (D, 0.0, {"severity": 2}))) == 2
