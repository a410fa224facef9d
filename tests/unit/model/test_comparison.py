"""Two snapshots, or a snapshot and the machine, matched by name."""

from __future__ import annotations

import pytest

from snapioc.model import Comparison, Member, Reason, SnapError, Verdict, asked_pvs, compare_live, compare_snapshots
from tests.unit.commands.snapshots import Row, readings_of, snapshot_of

EQUAL, DIFFERENT, MISSING, UNKNOWN = Verdict


def verdicts(compared: Comparison) -> dict[str, Verdict]:
    return dict(zip(compared.pvs, map(Verdict, compared.verdicts.tolist()), strict=True))


def test_pvs_are_matched_by_name_whatever_their_order() -> None:
    compared = compare_snapshots(snapshot_of({"A": Row(1.0), "B": Row(2.0)}), snapshot_of({"B": Row(2.0), "A": Row(3.0)}))
    assert verdicts(compared) == {"A": DIFFERENT, "B": EQUAL}
    assert (compared.equal, compared.different, compared.unknown, compared.differing.tolist()) == (1, 1, 0, [0])
    assert (compared.stored.value(0), compared.other.value(0)) == (1.0, 3.0)


def test_a_pv_of_one_set_version_only_is_missing_on_the_other_side() -> None:
    stored = snapshot_of({"A": Row(1.0), "B": Row(2.0)})
    compared = compare_snapshots(stored, snapshot_of({"B": Row(2.0), "C": Row(3.0)}, snapshot_id=1002))
    assert verdicts(compared) == {"A": MISSING, "B": EQUAL, "C": MISSING}
    assert (compared.equal, compared.different, compared.unknown) == (1, 2, 0)
    assert compared.missing == (("A", "not part of this snapshot (1002)"), ("C", "not part of this snapshot (1001)"))


@pytest.mark.parametrize("swapped", [False, True])
def test_a_snapshot_of_a_part_of_its_set_is_compared_in_that_part(swapped: bool) -> None:
    part = snapshot_of({"A": Row(2.0), "B": Reason.NOT_ASKED, "C": Reason.DISCONNECTED})
    whole = snapshot_of({pv: Row(1.0) for pv in "DABC"})
    compared = compare_snapshots(*((part, whole) if swapped else (whole, part)))
    assert verdicts(compared) == {"A": DIFFERENT, "C": MISSING}


def test_two_parts_are_compared_in_what_both_hold() -> None:
    first = snapshot_of({"A": Row(1.0), "B": Row(1.0), "C": Reason.NOT_ASKED})
    second = snapshot_of({"A": Reason.NOT_ASKED, "B": Row(1.0), "C": Row(1.0)})
    assert verdicts(compare_snapshots(first, second)) == {"B": EQUAL}


def test_what_could_be_read_on_one_side_only_differs() -> None:
    compared = compare_snapshots(snapshot_of({"A": Row(1.0)}), snapshot_of({"A": Reason.DISCONNECTED}, snapshot_id=1002))
    assert (verdicts(compared), compared.different) == ({"A": MISSING}, 1)
    assert compared.missing == (("A", "disconnected (1002)"),)


def test_missing_on_both_sides_is_neither_equal_nor_different() -> None:
    gone = snapshot_of({"A": Reason.DISCONNECTED, "B": Row(1.0)})
    compared = compare_snapshots(gone, gone)
    assert (compared.equal, compared.different, compared.unknown) == (1, 0, 1)
    assert compared.missing == (("A", "disconnected (1001), disconnected (1001)"),)


def test_two_snapshots_without_a_common_pv_cannot_be_compared() -> None:
    with pytest.raises(SnapError, match="no PV is part of both 1001 and 1002"):
        compare_snapshots(snapshot_of({"A": Row()}), snapshot_of({"B": Row()}, snapshot_id=1002))


def test_the_tolerances_are_those_of_the_first_and_cover_readbacks() -> None:
    wide = (Member("A", readback="R", abs_tol=0.5), Member("B", rel_tol=0.1))
    narrow = tuple(Member(pv) for pv in ("A", "R", "B"))
    before, after = ({"A": Row(a), "R": Row(a), "B": Row(b)} for a, b in ((1.0, 10.0), (1.4, 11.0)))
    assert compare_snapshots(snapshot_of(before, wide), snapshot_of(after, narrow)).different == 0
    assert compare_snapshots(snapshot_of(before, narrow), snapshot_of(after, wide)).different == 3


def test_a_readback_has_the_tolerances_of_its_first_member_unless_it_is_one_itself() -> None:
    members = (
        Member("A", readback="R", abs_tol=1.0),
        Member("B", readback="R", abs_tol=9.0),
        Member("C", readback="B", abs_tol=5.0),
    )
    stored = snapshot_of({pv: Row(0.0) for pv in "ABCR"}, members)
    assert stored.pv_set.pvs == ("A", "B", "C", "R")
    assert [column.tolist() for column in stored.pv_set.tolerances] == [[1.0, 9.0, 5.0, 1.0], [0.0] * 4]
    live = compare_live(stored, stored.pv_set.pvs, readings_of(Row(1.0), Row(8.0), Row(6.0), Row(2.0)))
    assert verdicts(live) == {"A": EQUAL, "B": EQUAL, "C": DIFFERENT, "R": DIFFERENT}


def test_a_setpoint_and_its_readback_each_have_their_own_verdict() -> None:
    stored = snapshot_of({"A": Row(1.0), "R": Row(1.1)}, (Member("A", readback="R", abs_tol=0.2),))
    live = compare_live(stored, asked_pvs(stored), readings_of(Row(1.0), Row(2.0)))
    assert verdicts(live) == {"A": EQUAL, "R": DIFFERENT}
    assert (live.stored.value(1), live.other.value(1)) == (1.1, 2.0)


def test_a_filter_chooses_what_is_compared() -> None:
    stored, other = snapshot_of({"A1": Row(1.0), "B1": Row(1.0)}), snapshot_of({"A1": Row(2.0), "B1": Row(2.0), "B2": Row()})
    assert compare_snapshots(stored, other, "B*").pvs == ("B1", "B2")
    with pytest.raises(SnapError, match=r"'C\*' matches none of the 3 PVs"):
        compare_snapshots(stored, other, "C*")


def test_only_what_the_snapshot_was_asked_for_is_read_from_the_machine() -> None:
    members = tuple(Member(pv, abs_tol=tolerance) for pv, tolerance in zip("ABC", (0.0, 9.0, 0.5), strict=True))
    stored = snapshot_of({"A": Reason.NOT_ASKED, "B": Reason.NO_ANSWER, "C": Row(1.0)}, members)
    assert asked_pvs(stored) == ("B", "C")
    assert asked_pvs(stored, "!B") == ("C",)
    live = compare_live(stored, asked_pvs(stored), readings_of(Row(5.0), Row(1.6)))
    assert (live.names, verdicts(live)) == (("1001", "live"), {"B": MISSING, "C": DIFFERENT})
    with pytest.raises(SnapError, match="'A' matches none of the 2 PVs"):
        asked_pvs(stored, "A")
