"""The words of MESSAGE that several operations use."""

from __future__ import annotations

from collections import Counter

from .state import Named


def pvs_of(count: int) -> str:
    """`1 PV`, `2 PVs`."""
    return f"{count} PV" if count == 1 else f"{count} PVs"


def reasons(named: Named) -> str:
    """How often each reason stands in a list of PVs, the commonest first: `3 disconnected, 1 no answer in time`."""
    counts = Counter(why for _, why in named)
    return ", ".join(f"{count} {why}" for why, count in counts.most_common())
