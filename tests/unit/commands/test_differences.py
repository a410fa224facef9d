from __future__ import annotations

import pytest

from snapioc.commands.differences import compare_snapshots
from snapioc.model import Member, Reason, SnapError, Verdict
from tests.unit.commands.snapshots import Row, snapshot_of


def test_pvs_are_matched_by_name_whatever_their_order() -> None:
    compared = compare_snapshots(snapshot_of({"A": Row(1.0), "B": Row(2.0)}), snapshot_of({"B": Row(2.0), "A": Row(3.0)}))
    assert dict(zip(compared.pvs, compared.verdicts, strict=True)) == {"A": Verdict.DIFFERENT, "B": Verdict.EQUAL}
    assert [compared.pvs[row] for row in compared.differing] == ["A"]
    assert (compared.stored.value(0), compared.other.value(0)) == (1.0, 3.0)


def test_a_pv_that_only_one_asked_for_is_unknown() -> None:
    compared = compare_snapshots(snapshot_of({"A": Row(1.0), "B": Row(2.0)}), snapshot_of({"B": Row(2.0), "C": Row(3.0)}))
    assert compared.pvs == ("A", "B", "C")
    assert compared.verdicts == (Verdict.UNKNOWN, Verdict.EQUAL, Verdict.UNKNOWN)
    assert (compared.equal, compared.differing, compared.unknown) == (1, [], 2)
    assert compared.other.reading(0).reason is Reason.NOT_ASKED
    assert compared.stored.reading(2).reason is Reason.NOT_ASKED


def test_a_snapshot_before_a_restore_is_compared_in_what_it_holds() -> None:
    undo = snapshot_of({"A": Row(2.0), "B": Reason.NOT_ASKED})
    compared = compare_snapshots(snapshot_of({"A": Row(1.0), "B": Row(1.0)}), undo)
    assert [compared.pvs[row] for row in compared.differing] == ["A"]


def test_what_could_be_read_on_one_side_only_differs() -> None:
    compared = compare_snapshots(snapshot_of({"A": Row(1.0)}), snapshot_of({"A": Reason.DISCONNECTED}))
    assert compared.verdicts == (Verdict.MISSING,)
    assert compared.differing == [0]


def test_two_snapshots_without_a_common_pv_cannot_be_compared() -> None:
    with pytest.raises(SnapError, match="no PV is part of both 1001 and 1002"):
        compare_snapshots(snapshot_of({"A": Row()}), snapshot_of({"B": Row()}, snapshot_id=1002))


def test_missing_on_both_sides_is_neither_equal_nor_different() -> None:
    gone = snapshot_of({"A": Reason.DISCONNECTED, "B": Row(1.0)})
    compared = compare_snapshots(gone, gone)
    assert (compared.equal, compared.differing, compared.unknown) == (1, [], 1)


def test_the_tolerances_are_those_of_the_first_and_cover_readbacks() -> None:
    wide = (Member("A", readback="R", abs_tol=0.5), Member("B", rel_tol=0.1))
    narrow = tuple(Member(pv) for pv in ("A", "R", "B"))
    before, after = ({"A": Row(a), "R": Row(a), "B": Row(b)} for a, b in ((1.0, 10.0), (1.4, 11.0)))
    assert compare_snapshots(snapshot_of(before, wide), snapshot_of(after, narrow)).differing == []
    assert len(compare_snapshots(snapshot_of(before, narrow), snapshot_of(after, wide)).differing) == 3


def test_a_filter_chooses_what_is_compared() -> None:
    stored, other = snapshot_of({"A1": Row(1.0), "B1": Row(1.0)}), snapshot_of({"A1": Row(2.0), "B1": Row(2.0), "B2": Row()})
    assert compare_snapshots(stored, other, "B*").pvs == ("B1", "B2")
    with pytest.raises(SnapError, match=r"'C\*' matches none of the 3 PVs"):
        compare_snapshots(stored, other, "C*")
