"""A comparison with the live machine once more says what a first one would."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapioc.model import (
    DbrType,
    Member,
    PvSet,
    Readings,
    Reason,
    Snapshot,
    Verdict,
    compare_again,
    compare_live,
    found_same,
)
from tests.unit.commands.snapshots import Row as SnapshotRow
from tests.unit.commands.snapshots import snapshot_of

from .make import Row, array, enum, readings

EQUAL, DIFFERENT, MISSING, UNKNOWN = Verdict

ROWS: list[Row] = [
    (DbrType.DOUBLE, 0.0),
    (DbrType.DOUBLE, 1.0),
    (DbrType.DOUBLE, 1.05),
    (DbrType.DOUBLE, 2.0),
    (DbrType.DOUBLE, float("nan")),
    (DbrType.LONG, 1),
    (DbrType.FLOAT, 1.0),
    (DbrType.STRING, b"one"),
    (DbrType.STRING, b"two"),
    (DbrType.STRING, b"three"),
    (DbrType.DOUBLE, array(DbrType.DOUBLE, 1.0, 2.0)),
    (DbrType.DOUBLE, array(DbrType.DOUBLE, 1.0, 2.05)),
    (DbrType.DOUBLE, array(DbrType.DOUBLE, 1.0, 3.0)),
    (DbrType.DOUBLE, array(DbrType.DOUBLE)),
    enum(0, "Off", "On"),
    enum(1, "Off", "On"),
    enum(0, "On", "Off"),
    enum(0),
    Reason.DISCONNECTED,
    Reason.NO_ANSWER,
]
SIZE = 6
machines = st.lists(st.sampled_from(ROWS), min_size=SIZE, max_size=SIZE)


def golden(stored: Readings) -> Snapshot:
    """A snapshot with these values; every PV has an absolute tolerance of 0.1."""
    known = snapshot_of({str(number): SnapshotRow(0.0) for number in range(len(stored))})
    members = tuple(Member(str(number), abs_tol=0.1) for number in range(len(stored)))
    return replace(known, pv_set=PvSet("A", members), readings=stored)


@given(machines, st.lists(machines, min_size=2, max_size=4))
def test_it_says_what_a_first_comparison_says(stored: list[Row], looks: list[list[Row]]) -> None:
    snapshot = golden(readings(*stored))
    compared = compare_live(snapshot, snapshot.pv_set.pvs, readings(*looks[0]))
    for look in looks[1:]:
        live = readings(*look)
        compared = compare_again(compared, live)
        fresh = compare_live(snapshot, snapshot.pv_set.pvs, live)
        assert compared.verdicts.tolist() == fresh.verdicts.tolist()
        assert compared.differing.tolist() == fresh.differing.tolist()
        for row in fresh.differing.tolist():
            assert str(compared.other.reading(row)) == str(fresh.other.reading(row))


def test_nothing_new_is_the_comparison_of_before() -> None:
    snapshot = golden(readings(*ROWS))
    first = compare_live(snapshot, snapshot.pv_set.pvs, readings(*ROWS))
    assert compare_again(first, readings(*ROWS)) is first


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ((DbrType.DOUBLE, 1.0), (DbrType.DOUBLE, 1.05), True),
        ((DbrType.DOUBLE, 1.0), (DbrType.DOUBLE, 2.0), False),
        ((DbrType.DOUBLE, 2.0), (DbrType.DOUBLE, 3.0), False),
        ((DbrType.DOUBLE, 2.0), (DbrType.DOUBLE, 1.0), False),
        (Reason.DISCONNECTED, Reason.NO_ANSWER, False),
        ((DbrType.DOUBLE, 2.0), (DbrType.DOUBLE, 2.0), True),
    ],
)
def test_whether_it_found_the_same(before: Row, after: Row, same: bool) -> None:
    snapshot = golden(readings((DbrType.DOUBLE, 1.0), (DbrType.DOUBLE, 1.0)))
    first = compare_live(snapshot, snapshot.pv_set.pvs, readings((DbrType.DOUBLE, 7.0), before))
    again = compare_again(first, readings((DbrType.DOUBLE, 7.0), after))
    assert found_same(first, again) is same


def test_states_with_new_labels_are_compared_anew() -> None:
    snapshot = golden(readings(enum(1, "Off", "On")))
    first = compare_live(snapshot, snapshot.pv_set.pvs, readings(enum(1, "Off", "On")))
    again = compare_again(first, readings(enum(1, "On", "Off")))
    assert (first.verdicts.tolist(), again.verdicts.tolist()) == ([EQUAL], [DIFFERENT])
