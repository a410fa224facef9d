"""Macro expansion: the table of what people write, and libCom's own macLib as the judge of everything else."""

import ctypes
import re
from collections.abc import Mapping
from typing import Any

import pytest
from epicscorelibs.path import get_lib
from hypothesis import assume, given
from hypothesis import strategies as st

from snapioc.formats.macros import expand, expand_word

MACROS = {"P": "SR:", "N": "1", "NAME": "P", "OUTER": "$(P)MAG", "EMPTY": "", "M1": "one"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("no reference", "no reference"),
        ("", ""),
        ("$(P)x", "SR:x"),
        ("${P}x", "SR:x"),
        ("$(P)${N}$(P)", "SR:1SR:"),
        ("a$(EMPTY)b", "ab"),
        ("$(P=other)", "SR:"),
        ("$(X=other)", "other"),
        ("$(X=)", ""),
        ("${X=a)b}", "a)b"),
        ("$(X=a}b)", "a}b"),
        ("$(X=$(P)y)", "SR:y"),
        ("$(X=$(Y=$(Z=deep)))", "deep"),
        ("$(X=${Y=a})b", "ab"),
        ("$(P=$(UNDEFINED))", "SR:"),
        ("$(X=a=b)", "a=b"),
        ("$($(NAME))", "SR:"),
        ("$(M$(N))", "one"),
        ("$(M$(X=1))", "one"),
        ("$(OUTER)1", "SR:MAG1"),
        ("m1.DESC$", "m1.DESC$"),
        ("cost $5 $ ($)", "cost $5 $ ($)"),
        ("$$(P)", "$SR:"),
    ],
)
def test_expands(text: str, expanded: str) -> None:
    assert expand(text, MACROS) == expanded


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("$(X)", "macro $(X) is not defined"),
        ("$()", "macro $() is not defined"),
        ("$(p)", "macro $(p) is not defined"),
        ("$(X=$(Y))", "macro $(Y) is not defined"),
        ("a$(P", "the macro reference '$(P' is not closed"),
        ("$(P}", "the macro reference '$(P}' is not closed"),
        ("$(X=$(Y)", "the macro reference '$(X=$(Y)' is not closed"),
        ("$(X=a,b)", "a comma cannot stand in the macro reference '$(X=a'"),
        ("$(P,N=2)", "a comma cannot stand in the macro reference '$(P'"),
        ("$(LOOP)", "the value of macro $(LOOP) refers to itself"),
        ("$(A)", "the value of macro $(A) refers to itself"),
        ("$(" * 5000, "the macro references are nested too deeply"),
    ],
)
def test_refuses(text: str, fault: str) -> None:
    with pytest.raises(ValueError) as caught:
        expand(text, {"P": "SR:", "LOOP": "x$(LOOP)", "A": "$(B)", "B": "$(A)"})
    assert str(caught.value) == fault


def test_a_macro_may_be_used_again_beside_itself() -> None:
    assert expand("$(A)$(A)", {"A": "$(B)$(B)", "B": "x"}) == "xxxx"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("pv", "pv"),
        ("pv, tail $(UNDEFINED)", "pv"),
        ("pv # tail", "pv"),
        ("$(P)pv\ttail", "SR:pv"),
        ("$(X=a b)c d", "a bc"),
        ("$(BLANK)c d", "a bc"),
    ],
)
def test_a_word_ends_at_a_blank_or_comma_outside_of_references(text: str, word: str) -> None:
    assert expand_word(text, {"P": "SR:", "BLANK": "a b"}) == word


class MacLib:
    """EPICS's own macro library."""

    def __init__(self) -> None:
        self.lib = ctypes.CDLL(get_lib("Com"))
        self.lib.macExpandString.restype = ctypes.c_long

    def expand(self, text: str, macros: Mapping[str, str]) -> str | None:
        """The expanded text, None where macLib finds an undefined or recursive macro."""
        handle: Any = ctypes.c_void_p()
        assert self.lib.macCreateHandle(ctypes.byref(handle), None) == 0
        self.lib.macSuppressWarning(handle, 1)
        for name, value in macros.items():
            self.lib.macPutValue(handle, name.encode(), value.encode())
        buffer = ctypes.create_string_buffer(4096)
        length = self.lib.macExpandString(handle, text.encode(), buffer, len(buffer))
        self.lib.macDeleteHandle(handle)
        return None if length < 0 else buffer.value.decode()


NAMES = st.sampled_from(["A", "B", "AB", "C"])
PLAIN = st.text("ABx:.-1 ", max_size=3)


def references(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Well-formed references whose names and defaults hold such texts."""
    names = NAMES | texts.filter(lambda text: "=" not in text)
    inside = st.builds(lambda name, default: name if default is None else f"{name}={default}", names, st.none() | texts)
    reference = st.builds(lambda text, form: form.format(text), inside, st.sampled_from(["$({})", "${{{}}}"]))
    return st.lists(reference | PLAIN, max_size=3).map("".join)


NESTED_NAME = re.compile(r"[({][^=)}]*\$")
TEXTS = st.recursive(PLAIN, references, max_leaves=6)


@given(TEXTS, st.dictionaries(NAMES, PLAIN | TEXTS, max_size=4))
def test_agrees_with_maclib(text: str, macros: dict[str, str]) -> None:
    try:
        ours = expand(text, macros)
    except ValueError:
        # macLib takes the default when the name holds an undefined macro; with us that is an error like any other.
        assume(not any(NESTED_NAME.search(each) for each in (text, *macros.values())))
        ours = None
    assert ours == MacLib().expand(text, macros)


@given(st.text("$(){}=,AB \\", max_size=20), st.dictionaries(NAMES, st.text("$(){}=,AB", max_size=6), max_size=3))
def test_any_text_expands_or_is_refused_with_a_reason(text: str, macros: dict[str, str]) -> None:
    for function in (expand, expand_word):
        try:
            function(text, macros)
        except ValueError as fault:
            assert "macro reference" in str(fault) or "macro $(" in str(fault)
