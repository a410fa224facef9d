"""Long texts cut to what a text PV holds: at a line, with a note of how much more there is and where to see all."""

from __future__ import annotations

from collections.abc import Sequence

from .wire import TEXT_LIMIT, cut


def fit(text: str) -> str:
    """One sentence, cut if need be."""
    return cut(text, TEXT_LIMIT).decode()


def lines(items: Sequence[str], show_all: str, total: int | None = None) -> str:
    """As many lines as fit, then how many more there are and which command line shows all.

    `items` are the first of `total` lines; None: they are all.
    """
    total = len(items) if total is None else total
    if len(items) == total and len("\n".join(items).encode()) <= TEXT_LIMIT:
        return "\n".join(items)
    room = TEXT_LIMIT - len(_note(total, show_all).encode())
    kept: list[str] = []
    for item in items:
        room -= len(item.encode()) + 1
        if room < 0:
            break
        kept.append(item)
    return "\n".join([*kept, _note(total - len(kept), show_all)])


def named(pairs: Sequence[tuple[str, str]], show_all: str) -> str:
    """PVs with a reason each, a line per PV: name, tab, reason."""
    return lines([f"{pv}\t{why}" for pv, why in pairs], show_all)


def _note(count: int, show_all: str) -> str:
    return f"... and {count} more: {show_all}"
