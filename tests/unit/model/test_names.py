"""PV names, and the globs of FILTER."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapioc.model import canonical_name, filter_fault, long_text_name, matches, name_fault, spellings

PVS = ["SR:Q1:SET", "SR:Q2:SET", "SR:q1:SET", "SR{Mag:1}Set", "BR:Q1:SET", "X[1]", "X1"]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", PVS),
        ("  , ,", PVS),
        ("*", PVS),
        ("SR:Q1:SET", ["SR:Q1:SET"]),
        ("SR:Q1", []),
        ("Q1", []),
        ("SR:Q?:SET", ["SR:Q1:SET", "SR:Q2:SET"]),
        ("SR:[Qq]1:*", ["SR:Q1:SET", "SR:q1:SET"]),
        ("SR:[!Q]*", ["SR:q1:SET"]),
        ("SR{*}*", ["SR{Mag:1}Set"]),
        # A PV's name is that PV; what is none is a glob.
        ("X[1]", ["X[1]"]),
        ("!X[1],X*", ["X1"]),
        ("X[12]", ["X1"]),
        ("X[[]1]", ["X[1]"]),
        ("X[[]1],X1", ["X[1]", "X1"]),
        ("BR:*,X1", ["BR:Q1:SET", "X1"]),
        (" BR:* , X1 ", ["BR:Q1:SET", "X1"]),
        ("!SR*", ["BR:Q1:SET", "X[1]", "X1"]),
        ("! SR*,!X*", ["BR:Q1:SET"]),
        ("SR:*,!*q1*", ["SR:Q1:SET", "SR:Q2:SET"]),
        ("!*q1*,SR:*", ["SR:Q1:SET", "SR:Q2:SET"]),
        ("X1,!*", []),
        ("X.", []),
        ("(X1|X2)", []),
    ],
)
def test_filters(text: str, chosen: list[str]) -> None:
    assert [pv for pv, match in zip(PVS, matches(PVS, text), strict=True) if match] == chosen


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", None),
        ("*", None),
        ("SR:Q1", None),
        ("nothing*", None),
        ("!SR*", None),
        ("SR*,!*Q1*", None),
        ("SR*,!BR:*", None),
        ("!X[1]", None),
        ("!X[[]1]", None),
        ("!X1,!X[1]", None),
        ("*,,", None),
        ("!*", None),
        (",", "it names no PV"),
        (" , ", "it names no PV"),
        (" ", "it names no PV"),
        ("!", "its part '!' excludes nothing"),
        ("SR*,! ", "its part '!' excludes nothing"),
        ("!*:Yy*", "its part '!*:Yy*' excludes no PV"),
        ("SR*,!*q1*,! sr*", "its part '!sr*' excludes no PV"),
        ("!SR:Q1", "its part '!SR:Q1' excludes no PV"),
        ("!X[3]", "its part '!X[3]' excludes no PV"),
    ],
)
def test_what_is_wrong_with_a_filter(text: str, fault: str | None) -> None:
    assert filter_fault(PVS, text) == fault


def test_many_names_among_many_pvs_are_found_at_once() -> None:
    pvs = [f"S:{number}" for number in range(100_000)]
    text = ",".join([*pvs[::50], *(f"!{pv}" for pv in pvs[::100])])
    begun = time.process_time()
    assert filter_fault(pvs, text) is None
    assert sum(matches(pvs, text)) == 1000
    # As one pattern of 2,000 names it takes minutes.
    assert time.process_time() - begun < 20


@given(st.text(max_size=20), st.lists(st.text("SRQ1:*[!", max_size=5), max_size=5))
def test_any_filter_answers_for_every_pv(text: str, pvs: list[str]) -> None:
    assert len(matches(pvs, text)) == len(pvs)


@given(st.text("SRQ1:{}", min_size=1), st.lists(st.text("SRQ1:{}", min_size=1)))
def test_a_name_is_a_filter_for_itself_and_its_exclusion(pv: str, others: list[str]) -> None:
    pvs = [pv, *others]
    assert matches(pvs, pv) == [each == pv for each in pvs]
    assert matches(pvs, f"!{pv}") == [each != pv for each in pvs]


@pytest.mark.parametrize(
    "pv", ["A", "SR:Q1:SET.VAL", "SR{Mag:1}Set-SP", "m1.DESC$", "a_b-c+d;e<f>[g]", "Ä:1", "A.{dbnd}", "x" * 500]
)
def test_names(pv: str) -> None:
    assert name_fault(pv) is None


@pytest.mark.parametrize(
    ("pv", "fault"),
    [
        ("", "the PV name is empty"),
        ("$", "the PV name is empty"),
        ("A B", "' ' cannot stand in a PV name"),
        ("A\u00a0B", "'\\xa0' cannot stand in a PV name"),
        ("A\n", "'\\n' cannot stand in a PV name"),
        ("A\0", "'\\x00' cannot stand in a PV name"),
        ("A,B", "',' cannot stand in a PV name"),
        ("$A", "'$' cannot stand in a PV name"),
        ("A$$", "'$' cannot stand in a PV name"),
        ("$(P)A", "'$' cannot stand in a PV name"),
        ("#A", "'#' cannot stand in a PV name"),
        ("A'", '"\'" cannot stand in a PV name'),
        ('A"', "'\"' cannot stand in a PV name"),
        ("x" * 501, "the PV name has more than 500 bytes"),
        ("Ä" * 251, "the PV name has more than 500 bytes"),
    ],
)
def test_what_is_no_name(pv: str, fault: str) -> None:
    assert name_fault(pv) == fault


@pytest.mark.parametrize(
    ("pv", "long"), [("A", "A.VAL$"), ("A.DESC", "A.DESC$"), ("A.DESC$", "A.DESC$"), ("SR{a}b", "SR{a}b.VAL$")]
)
def test_the_long_form_of_a_text(pv: str, long: str) -> None:
    assert long_text_name(pv) == long


@given(st.text("X.VAL$", min_size=1, max_size=12))
def test_all_spellings_are_one_pv(pv: str) -> None:
    names = spellings(pv)
    assert names[0] == pv
    assert len(set(names)) == len(names)


def test_spellings() -> None:
    expected = {"SR:Q1", "SR:Q1.VAL", "SR:Q1$", "SR:Q1.VAL$", "SR:Q1.", "SR:Q1.$"}
    for name in expected:
        assert set(spellings(name)) == expected
        assert {canonical_name(each) for each in spellings(name)} == {"SR:Q1"}
