"""Macro references in request files, expanded the way EPICS macLib does (libCom, macCore.c).

`$(M)`, `${M}`, `$(M=default)`; references may stand in names, in defaults and in the values of macros. A default ends at the
first closing bracket or comma outside a reference, and is looked at only when it is needed. Unlike macLib an undefined,
unclosed or endless reference is an error. Not supported, and refused: macros scoped to one reference, `$(M,N=x)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_CLOSING = {"(": ")", "{": "}"}
_TEXT = re.compile(r"\$[({]")
_WORD = re.compile(r"\$[({]|[\s,]")
_NAME = {close: re.compile(rf"\$[({{]|[=,\{close}]") for close in _CLOSING.values()}
_DEFAULT = {close: re.compile(rf"\$[({{]|[,\{close}]") for close in _CLOSING.values()}


def expand(text: str, macros: Mapping[str, str]) -> str:
    """The text with every macro reference replaced. Raises ValueError with a sentence about the reference."""
    return _guarded(text, _TEXT, macros)


def expand_word(text: str, macros: Mapping[str, str]) -> str:
    """What stands before the first blank or comma, expanded: those inside a reference, or from a macro, end nothing."""
    return _guarded(text, _WORD, macros)


def _guarded(text: str, stop: re.Pattern[str], macros: Mapping[str, str]) -> str:
    try:
        return _scan(text, 0, stop, macros, ())[0]
    except RecursionError:
        raise ValueError("the macro references are nested too deeply") from None


def _scan(
    text: str, start: int, stop: re.Pattern[str], macros: Mapping[str, str] | None, active: tuple[str, ...]
) -> tuple[str, int]:
    """Expand from `start` up to the first match of `stop` that is no reference, or to the end; also where that is.

    `macros` None only steps over the references; `active` are the macros whose values are being expanded.
    """
    parts, position = [], start
    while found := stop.search(text, position):
        parts.append(text[position : found.start()])
        position = found.start()
        if text[position] != "$":
            return "".join(parts), position
        value, position = _reference(text, position, macros, active)
        parts.append(value)
    parts.append(text[position:])
    return "".join(parts), len(text)


def _reference(text: str, start: int, macros: Mapping[str, str] | None, active: tuple[str, ...]) -> tuple[str, int]:
    """The value of the reference that begins at `start`, and the position behind it."""
    close = _CLOSING[text[start + 1]]
    name, position = _scan(text, start + 2, _NAME[close], macros, active)
    default = None
    if text.startswith("=", position):
        begin = position + 1
        _, position = _scan(text, begin, _DEFAULT[close], None, active)
        default = text[begin:position]
    if text.startswith(",", position):
        raise ValueError(f"a comma cannot stand in the macro reference {text[start:position]!r}")
    if not text.startswith(close, position):
        raise ValueError(f"the macro reference {text[start:]!r} is not closed")
    return ("" if macros is None else _value(name, default, macros, active)), position + 1


def _value(name: str, default: str | None, macros: Mapping[str, str], active: tuple[str, ...]) -> str:
    if name in active:
        raise ValueError(f"the value of macro $({name}) refers to itself")
    if name in macros:
        return _scan(macros[name], 0, _TEXT, macros, (*active, name))[0]
    if default is None:
        raise ValueError(f"macro $({name}) is not defined")
    return _scan(default, 0, _TEXT, macros, active)[0]
