"""A comparison bit for bit is what a restore would write."""

from __future__ import annotations

import numpy as np
import pytest

from snapioc.model import DbrType, Member, PvSet, Reason, Snapshot, Verdict, check, compare_live, exactly
from tests.unit.commands.snapshots import snapshot_of
from tests.unit.model.make import Row, array, enum, live, readings

D, F, L, C, T, E = DbrType.DOUBLE, DbrType.FLOAT, DbrType.LONG, DbrType.CHAR, DbrType.STRING, DbrType.ENUM
EQUAL, DIFFERENT, MISSING, UNKNOWN = Verdict
OTHER_NAN = np.array([0x7FF8000000000001], "<u8").view("<f8")


def verdict(stored: Row, now: Row) -> tuple[Verdict, Verdict]:
    """Within wide tolerances, and bit for bit."""
    snapshot = Snapshot(snapshot_of({}).header, PvSet("S", (Member("A", abs_tol=1e9),)), readings(stored))
    compared = compare_live(snapshot, ["A"], readings(now))
    exact = exactly(compared)
    assert (exact.abs_tol.tolist(), exact.rel_tol.tolist(), exact.pvs) == ([0.0], [0.0], ("A",))
    return Verdict(compared.verdicts[0]), Verdict(exact.verdicts[0])


@pytest.mark.parametrize(
    ("stored", "now", "exact"),
    [
        ((D, 1.0), (D, 1.0), EQUAL),
        ((D, 1.0), (D, 1.0 + 2**-52), DIFFERENT),
        ((D, 0.0), (D, -0.0), DIFFERENT),
        ((D, array(D, 0, 1)), (D, array(D, -0.0, 1)), DIFFERENT),
        ((D, float("nan")), (D, float("nan")), EQUAL),
        ((D, float("nan")), (D, OTHER_NAN), DIFFERENT),
        ((L, 3), (D, 3.0), EQUAL),
        ((L, 3), (D, 3.5), DIFFERENT),
        ((T, b"a"), (T, b"a"), EQUAL),
        ((C, array(C)), (C, 0), DIFFERENT),
        (enum(1, "Off", "On"), enum(0, "On", "Off"), EQUAL),
    ],
)
def test_tolerances_play_no_part(stored: Row, now: Row, exact: Verdict) -> None:
    assert verdict(stored, now) == (EQUAL, exact)


def test_it_is_what_a_restore_would_write() -> None:
    stored = readings((L, 3), enum(1, "Off", "On"), (D, 0.0), enum(1, "Off", "On"))
    now = readings((D, 3.0), enum(0, "On", "Off"), (D, -0.0), enum(1, "On", "Off"))
    channels = live((D, 1), (E, 1, ("On", "Off")), (D, 1), (E, 1, ("On", "Off")))
    would = ~check(stored, channels, np.zeros(4, bool)).values.same_values(now)
    snapshot = Snapshot(snapshot_of({}).header, PvSet("S", tuple(map(Member, "ABCD"))), stored)
    assert (exactly(compare_live(snapshot, "ABCD", now)).verdicts == DIFFERENT).tolist() == would.tolist()


def test_what_is_missing_stays_so() -> None:
    assert verdict((D, 1.0), Reason.DISCONNECTED) == (MISSING, MISSING)
    assert verdict(Reason.DISCONNECTED, Reason.DISCONNECTED) == (UNKNOWN, UNKNOWN)
