"""The two ways of including a request file: autosave's `file` line and PSI's `!` line.

Both are expanded with the macros of the including file first; then only the macros on the line apply inside (autosave's
save_restore.c and PSI agree: nothing is inherited).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .entries import Include
from .macros import expand

_AUTOSAVE = re.compile(r'file\b\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s,"]+))(?P<macros>.*)')
_PSI = re.compile(r"""!\s*(?P<name>[^,]*?)\s*(?:,\s*(?:(?P<quote>["'])(?P<macros>.*)(?P=quote))?(?P<rest>.*))?""")
_IS_AUTOSAVE = re.compile(r"file(\s|$)")


def parse_include(line: str, macros: Mapping[str, str]) -> Include | None:
    """What the line includes, None if it is no include. Raises ValueError if it is a wrong one."""
    if line.startswith("!"):
        return _psi(expand(line, macros))
    if _IS_AUTOSAVE.match(line):
        return _autosave(expand(line, macros))
    return None


def _psi(line: str) -> Include:
    found = _PSI.fullmatch(line)
    if not found or found["rest"]:
        raise ValueError('the macros of an include stand in quotes: !file, "A=1,B=2"')
    return _include(found["name"], (found["macros"] or "").split(","))


def _autosave(line: str) -> Include:
    found = _AUTOSAVE.fullmatch(line)
    if not found:
        raise ValueError("the include names no file, or the quote around its name is not closed")
    # save_restore.c: quotes in the macro part are ignored, and blanks are as good as commas.
    return _include(found["quoted"] or found["bare"], re.split(r"[\s,]+", re.sub("[\"']", "", found["macros"])))


def _include(name: str | None, definitions: Iterable[str]) -> Include:
    if not name:
        raise ValueError("the include names no file")
    pairs = [definition.partition("=") for definition in definitions if definition.strip()]
    for macro, equals, _ in pairs:
        if not equals or not macro.strip():
            raise ValueError(f"{macro.strip() + equals!r} is no macro definition: NAME=VALUE is")
    return Include(name, {macro.strip(): value.strip() for macro, _, value in pairs})
