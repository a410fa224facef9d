"""Results: every raw figure of a run, and what is made of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Key:
    """What was measured, on whom, and with how many PVs."""

    measure: str
    participant: str
    size: int


@dataclass(slots=True)
class Results:
    """Raw figures in the order in which they came: times in seconds, sizes in bytes."""

    figures: dict[Key, list[float]] = field(default_factory=dict)

    def add(self, measure: str, participant: str, size: int, *values: float) -> None:
        """Note one or more figures."""
        self.figures.setdefault(Key(measure, participant, size), []).extend(values)

    def median(self, measure: str, participant: str, size: int) -> float | None:
        """The median of what was measured, None if it was not."""
        values = self.figures.get(Key(measure, participant, size))
        return statistics.median(values) if values else None

    def ratio(self, measure: str, participant: str, base: tuple[str, str], size: int) -> float | None:
        """How many times the median of `base` (measure, participant) this median is."""
        value, other = self.median(measure, participant, size), self.median(*base, size)
        return value / other if value is not None and other else None

    def sizes(self, measure: str) -> list[int]:
        """The sizes at which something was measured."""
        return sorted({key.size for key in self.figures if key.measure == measure})

    def participants(self, measure: str) -> list[str]:
        """Those on whom it was measured, in the order in which they came."""
        return list(dict.fromkeys(key.participant for key in self.figures if key.measure == measure))

    def measures(self) -> list[str]:
        """All that was measured, in the order in which it came."""
        return list(dict.fromkeys(key.measure for key in self.figures))

    def to_json(self) -> list[dict[str, Any]]:
        """All figures."""
        return [
            {"measure": key.measure, "participant": key.participant, "size": key.size, "values": values}
            for key, values in self.figures.items()
        ]


def percentile(values: Iterable[float], part: float) -> float:
    """The value below which this part (0 to 1) of the values lies; of few values the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
