"""Lists with one PV per line: plain ones, and the `.req` files of autosave and of PSI snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from snapioc.model import Member

from .entries import Entry, Fault
from .includes import parse_include
from .macros import expand_word
from .source import numbered_lines

_SKIPPED = ("#", "data{", "}")
"""Comments, and the brackets of an SDDS caSave request file."""


def parse_list(text: str, macros: Mapping[str, str], *, top: bool) -> Iterator[tuple[int, Entry]]:
    """What each line says, with its number: the first word, up to a blank or comma, is the PV, or it is an include.

    PSI's JSON head (labels, filters, machine parameters for its GUI) is checked for syntax and not used; it may stand in
    a `top` file only.
    """
    try:
        body = _without_head(text) if top else text
    except ValueError as fault:
        yield getattr(fault, "lineno", 1), Fault(f"the JSON head cannot be read: {fault}")
        return
    for number, line in numbered_lines(body):
        if line and not line.startswith(_SKIPPED):
            yield number, _entry(line, macros)


def _entry(line: str, macros: Mapping[str, str]) -> Entry:
    if line.startswith("{"):
        return Fault("no PV name begins with '{'; a JSON head stands at the start of a file that nothing includes")
    try:
        return parse_include(line, macros) or Member(expand_word(line, macros))
    except ValueError as fault:
        return Fault(str(fault))


def _without_head(text: str) -> str:
    """The text with its JSON head, if it has one, replaced by as many empty lines."""
    start = len(text) - len(text.lstrip())
    if not text.startswith("{", start):
        return text
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return "\n" * text.count("\n", 0, end) + text[end:]
