from __future__ import annotations

import numpy as np

from snapioc.commands.checking import examine, in_several_sets, set_json, set_lines, shared_lines
from snapioc.model import ChannelStates, DbrType, Flag, Member, Mode, PvSet, Reason
from tests.unit.commands.snapshots import Row, readings_of


def states(connected: list[bool], writable: list[bool]) -> ChannelStates:
    size = len(connected)
    return ChannelStates(
        ever_connected=np.array(connected),
        connected=np.array(connected),
        readable=np.array(connected),
        writable=np.array(writable),
        dbr_type=np.full(size, DbrType.DOUBLE, np.uint8),
        element_count=np.ones(size, np.int32),
        metadata=np.full(size, -1, np.int32),
        metadatas=(),
    )


def text(flag: Flag) -> Row:
    return Row(b"x" * 39, DbrType.STRING, flags=flag)


def test_a_sound_set_is_a_line() -> None:
    pv_set = PvSet("S", (Member("A", readback="B"),))
    found = examine(pv_set, states([True, True], [True, False]), readings_of(Row(), Row()))
    assert found.sound
    assert set_lines(pv_set, found) == ["S: 1 members, 2 PVs with their readbacks, 2 read"]


def test_what_is_missing_is_named_with_its_reason() -> None:
    pv_set = PvSet("S", (Member("A"), Member("B")))
    found = examine(pv_set, states([True, False], [True, False]), readings_of(Row(), Reason.NEVER_CONNECTED))
    assert not found.sound
    assert found.missing == (("B", "never connected"),)
    assert found.not_writable == ()  # nobody knows yet
    assert set_lines(pv_set, found)[1:] == ["  missing (1):", "    B\tnever connected"]
    assert set_json(pv_set, found)["missing"] == [{"pv": "B", "reason": "never connected"}]


def test_what_cannot_be_written_is_wrong_unless_it_is_ro() -> None:
    pv_set = PvSet("S", (Member("A"), Member("B", mode=Mode.READ_ONLY, readback="C")))
    found = examine(pv_set, states([True] * 3, [False] * 3), readings_of(Row(), Row(), Row()))
    assert found.not_writable == ("A",)
    assert not found.sound


def test_a_text_read_whole_is_noted_and_one_that_is_cut_is_wrong() -> None:
    pv_set = PvSet("S", (Member("WHOLE"), Member("CUT")))
    both = readings_of(text(Flag.LONG), text(Flag.CUT))
    found = examine(pv_set, states([True] * 2, [True] * 2), both)
    assert (found.long_texts, found.cut_texts, found.sound) == (("WHOLE",), ("CUT",), False)
    assert examine(pv_set, states([True] * 2, [True] * 2), readings_of(text(Flag.LONG), Row())).sound


def test_a_pv_in_several_sets_is_named_with_them() -> None:
    shared = in_several_sets([PvSet("S", (Member("A"), Member("B"))), PvSet("T", (Member("C", readback="B"),))])
    assert shared == {"B": ["S", "T"]}
    assert shared_lines(shared)[1] == "    B\tS, T"
    assert shared_lines({}) == []
    many = shared_lines({f"PV{number}": ["S", "T"] for number in range(12)})
    assert many[0].endswith("(12):")
    assert many[1:] == ["    " + ", ".join(f"PV{number}" for number in range(10)) + ", ... (12)\tS, T"]
