"""The words of MESSAGE that several operations use."""

from __future__ import annotations

from collections import Counter

from .state import Named

WIDTH = 200
"""Characters of a value in a line of a text PV, lest one long text leave no room for any other."""


def pvs_of(count: int) -> str:
    """`1 PV`, `2 PVs`."""
    return f"{count} PV" if count == 1 else f"{count} PVs"


def reasons(named: Named) -> str:
    """How often each reason stands in a list of PVs, the commonest first: `3 disconnected, 1 no answer in time`."""
    counts = Counter(why for _, why in named)
    return ", ".join(f"{count} {why}" for why, count in counts.most_common())


def short(text: str) -> str:
    """A value as it stands in a line of a text PV."""
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}..."


def tags_of(text: str) -> tuple[str, ...]:
    """The tags in a text with commas, each once."""
    return tuple(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))
