"""Which PVs can take their values, and why not the others."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snapioc.model import ChannelStates, DbrType, Metadata, Reason, check, single_numbers
from snapioc.model.check import Checked
from tests.unit.model.make import Row, array, enum, live, readings

INF, NAN = float("inf"), float("nan")
F, D, L, S, C, E, T = (
    DbrType.FLOAT,
    DbrType.DOUBLE,
    DbrType.LONG,
    DbrType.SHORT,
    DbrType.CHAR,
    DbrType.ENUM,
    DbrType.STRING,
)


def states(channels: ChannelStates, **columns: list[bool]) -> ChannelStates:
    return replace(channels, **{name: np.array(column) for name, column in columns.items()})  # type: ignore[arg-type]


def checked(values: Any, now: ChannelStates, disabled: list[bool] | None = None) -> Checked:
    return check(values, now, np.array(disabled or [False] * len(now), bool))


def limited(low: float, high: float, *rows: Any) -> ChannelStates:
    """Channels that all have these control limits."""
    return replace(live(*rows), metadatas=[Metadata(limits=(0.0,) * 6 + (high, low))] * len(rows))


def test_each_pv_that_cannot_be_written_is_named() -> None:
    values = readings((D, 0.0), (D, 1.0), (D, 2.0), (D, 3.0), (D, 4.5), (T, b"five"), enum(1, "Off", "On"), (D, 7.0))
    now = states(
        live((D, 1), (D, 1), (D, 1), (D, 1), (L, 1), (T, 1), (E, 1, ("On", "Off")), (D, 1)),
        connected=[True, False, False, True, True, True, True, True],
        ever_connected=[True, True, False, True, True, True, True, True],
        writable=[True, False, False, False, True, True, True, True],
    )
    found = checked(values, now, [False, True, True, True, False, False, False, True])
    assert found.failures == {
        1: "disconnected",
        2: "never connected",
        3: "no write access",
        4: "stored as DOUBLE, and 4.5 is no LONG, which the PV is now",
        7: "its record refuses puts (DISP is 1)",
    }
    assert found.rows.tolist() == [0, 5, 6]
    assert [found.values.value(row) for row in range(len(found.values))] == [0.0, b"five", 0]


def test_when_all_or_none_pass() -> None:
    values, now = readings((D, 1.0), (D, array(D, 1, 2))), live((D, 1), (D, 2))
    assert checked(values, now).rows.tolist() == [0, 1]
    dead = checked(values, states(now, connected=[False, False], ever_connected=[False, True]))
    assert (dead.rows.tolist(), len(dead.values)) == ([], 0)
    assert dead.failures == {0: "never connected", 1: "disconnected"}
    assert checked(readings(), live()).rows.tolist() == []


@pytest.mark.parametrize(
    ("row", "now", "low", "high", "fault"),
    [
        ((D, 10.0), (D, 1), 0, 10, None),
        ((D, 0.0), (D, 1), 0, 10, None),
        ((D, 10.5), (D, 1), 0, 10, "10.5 is beyond the control limits 0 to 10"),
        ((D, -0.5), (D, 1), 0, 10, "-0.5 is beyond the control limits 0 to 10"),
        ((D, INF), (D, 1), 0, 10, "inf is beyond the control limits 0 to 10"),
        ((D, NAN), (D, 1), 0, 10, None),
        # 0/0 means none, and so does any pair that is none.
        ((D, 99.0), (D, 1), 0, 0, None),
        ((D, 99.0), (D, 1), 5, 5, None),
        ((D, 99.0), (D, 1), 10, 0, None),
        ((D, 99.0), (D, 1), NAN, 10, None),
        ((D, 99.0), (D, 1), NAN, NAN, None),
        ((L, 11), (L, 1), 0, 10, "11 is beyond the control limits 0 to 10"),
        ((L, -(2**31)), (L, 1), -(2.0**31) + 1, 10, "-2147483648 is beyond the control limits -2147483647 to 10"),
        ((S, -1), (S, 1), 0, 10, "-1 is beyond the control limits 0 to 10"),
        ((C, 200), (C, 1), 0, 127, "200 is beyond the control limits 0 to 127"),
        ((F, 10.5), (F, 1), 0, 10, "10.5 is beyond the control limits 0 to 10"),
        # A float32 limit arrives as a float32 too.
        ((F, 0.1), (F, 1), -1, float(np.float32(0.1)), None),
        # It is the value as it will be written that counts.
        ((L, 11), (D, 1), 0, 10, "11 is beyond the control limits 0 to 10"),
        # Of arrays no record limits the elements, also if there is but one in it now; HOPR is for their display.
        ((D, array(D, 5, 99)), (D, 2), 0, 10, None),
        ((D, 99.0), (D, 5), 0, 10, None),
        ((E, 11), (E, 1), 0, 10, None),
        ((T, b"99"), (T, 1), 0, 10, None),
        # What has no value for the PV has that as its reason.
        ((D, 99.5), (L, 1), 0, 10, "stored as DOUBLE, and 99.5 is no LONG, which the PV is now"),
    ],
)
def test_control_limits(row: Row, now: Any, low: float, high: float, fault: str | None) -> None:
    values = readings((T, b"around"), row, (D, 5.0))
    found = checked(values, limited(low, high, (T, 1), now, (D, 1)))
    failures = {place: why for place, why in found.failures.items() if place != 2}
    assert failures == ({1: fault} if fault else {})
    assert (1 in found.rows.tolist()) == (fault is None)


def test_a_number_is_beyond_its_own_limits_only() -> None:
    now = replace(live((D, 1), (D, 1)), metadatas=[Metadata(limits=(0.0,) * 6 + (high, 0.0)) for high in (10.0, 1.0)])
    assert list(checked(readings((D, 5.0), (D, 5.0)), now).failures) == [1]


def test_who_fails_by_limits_is_told_and_passes_where_they_are_lifted() -> None:
    values = readings((T, b"no number"), (D, 11.0), (D, 12.0), (D, 5.0), (D, 13.5))
    now = limited(0, 10, (D, 1), (D, 1), (D, 1), (D, 1), (L, 1))
    found = checked(values, now)
    assert (found.beyond_limits.tolist(), sorted(found.failures)) == ([1, 2], [0, 1, 2, 4])
    again = check(values, now, np.zeros(5, bool), unlimited=np.array([True, True, False, False, True]))
    assert (again.beyond_limits.tolist(), sorted(again.failures), again.rows.tolist()) == ([2], [0, 2, 4], [1, 3])


def test_positions_of_limits_are_those_of_the_whole_list() -> None:
    now = states(limited(0, 10, (D, 1), (D, 1), (D, 1)), connected=[False, True, True])
    found = checked(readings((D, 11.0), (D, 5.0), (D, 12.0)), now)
    assert (found.beyond_limits.tolist(), sorted(found.failures)) == ([2], [0, 2])
    found = check(readings((D, 11.0), (D, 5.0), (D, 12.0)), now, np.zeros(3, bool), unlimited=np.array([False, False, True]))
    assert (found.beyond_limits.tolist(), sorted(found.failures), found.rows.tolist()) == ([], [0], [1, 2])


def test_a_text_that_is_too_long_for_its_record_is_named() -> None:
    long = b"x" * 50
    values = readings((D, 1.0), (T, long), (T, long), (T, long), (T, b"short"), (T, long), (T, [b"a", b"b"]))
    now = states(
        live((D, 1), (T, 1), (T, 1), (T, 1), (T, 1), (T, 1), (T, 2)), connected=[True, True, True, True, True, False, True]
    )
    room = np.array([-1, 49, 50, -1, -1, 10, -1], np.int32)
    found = check(values, now, np.zeros(7, bool), room)
    assert found.failures == {
        1: "its text of 50 bytes does not fit in the 49 that the PV has room for",
        5: "disconnected",
    }
    assert found.rows.tolist() == [0, 2, 3, 4, 6]
    assert checked(values, now).rows.tolist() == [0, 1, 2, 3, 4, 6]


def test_single_numbers() -> None:
    rows = (
        ((D, -1.5), -1.5),
        ((F, 0.5), 0.5),
        ((L, -(2**31)), -(2.0**31)),
        ((S, -2), -2),
        ((C, 255), 255),
        ((E, 3), 3),
        ((D, INF), INF),
        ((D, array(D, 1, 2)), NAN),
        ((D, array(D)), NAN),
        ((T, b"1"), NAN),
        (Reason.NO_ANSWER, NAN),
    )
    found = single_numbers(readings(*[row for row, _ in rows]))
    assert np.array_equal(found, [number for _, number in rows], equal_nan=True)
