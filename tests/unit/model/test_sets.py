"""Members and sets: their stored form and their identity."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapioc.model import Member, Mode, OnInvalid, PvSet

AMOUNTS = st.floats(0, allow_nan=False, allow_infinity=False)
MEMBERS = st.builds(
    Member,
    pv=st.text(min_size=1),
    readback=st.text(),
    abs_tol=AMOUNTS,
    rel_tol=AMOUNTS,
    mode=st.sampled_from(Mode),
    order=st.integers(),
    wait=st.booleans(),
    timeout=st.none() | AMOUNTS,
    ramp=st.none() | AMOUNTS,
    always=st.booleans(),
    required=st.booleans(),
    invalid=st.sampled_from(OnInvalid),
    tags=st.lists(st.text()).map(tuple),
)

FULL = Member(
    pv="A",
    readback="A:RB",
    abs_tol=0.5,
    rel_tol=1e-3,
    mode=Mode.READ_ONLY,
    order=-2,
    wait=True,
    timeout=5.0,
    ramp=0.25,
    always=True,
    required=True,
    invalid=OnInvalid.WRITE,
    tags=("a", "b"),
)


@given(MEMBERS)
def test_a_member_comes_back_from_json(member: Member) -> None:
    found = Member.from_json(member.to_json())
    assert found == member
    assert found.to_json() == member.to_json()
    assert (type(found.mode), type(found.invalid), type(found.tags)) == (Mode, OnInvalid, tuple)


def test_the_stored_form_of_a_member_stays_as_it_is() -> None:
    assert FULL.to_json() == (
        '{"abs_tol":0.5,"always":true,"invalid":"write","mode":"RO","order":-2,"pv":"A","ramp":0.25,"readback":"A:RB",'
        '"rel_tol":0.001,"required":true,"tags":["a","b"],"timeout":5.0,"wait":true}'
    )


@pytest.mark.parametrize("name", [field.name for field in fields(Member)])
def test_every_field_is_part_of_the_identity(name: str) -> None:
    changed = replace(FULL, **{name: getattr(Member("B"), name)})
    assert json.loads(changed.to_json())[name] != json.loads(FULL.to_json())[name]
    assert PvSet("S", (changed,)).digest != PvSet("S", (FULL,)).digest


def test_pvs_are_the_members_and_then_the_other_readbacks() -> None:
    members = (Member("A", readback="R"), Member("B"), Member("C", readback="B"), Member("D", readback="R"))
    pv_set = PvSet("S", members)
    assert pv_set.pvs == ("A", "B", "C", "D", "R")
    assert pv_set.rows == {"A": 0, "B": 1, "C": 2, "D": 3, "R": 4}
    assert PvSet("S", ()).pvs == ()


@given(st.lists(MEMBERS, unique_by=lambda member: member.pv, max_size=5))
def test_a_member_stands_in_the_row_of_its_number(members: list[Member]) -> None:
    pv_set = PvSet("S", tuple(members))
    assert list(pv_set.pvs[: len(members)]) == [member.pv for member in members]
    assert len(set(pv_set.pvs)) == len(pv_set.pvs)
    assert all(member.readback in pv_set.rows for member in members if member.readback)


def test_the_digest_is_of_the_members_in_their_order() -> None:
    a, b = Member("A"), Member("B")
    digest = PvSet("S", (a, b)).digest
    assert digest == PvSet("OTHER", (Member("A"), Member("B"))).digest
    assert len({digest, PvSet("S", (b, a)).digest, PvSet("S", (a,)).digest, PvSet("S", ()).digest}) == 4
    assert digest == "4770e551abac73b532c44d83848dff7f3cb04d824938b16380fcc75776c96763"
