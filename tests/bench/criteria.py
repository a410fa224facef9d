"""What issues 3 and 4 ask for, and what this run gives. A report, not a test: ratios on a shared machine are soft."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import drift, measures
from .results import Results
from .stores import STORE


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure with the limit that it is held against."""

    what: str
    figure: float
    unit: str
    limit: float
    at_most: bool

    @property
    def reached(self) -> bool:
        """Whether the figure is on the right side of the limit."""
        return self.figure <= self.limit if self.at_most else self.figure >= self.limit


def verdicts(results: Results, best_engine: str) -> list[Verdict]:
    """The criteria for which this run has the figures."""
    found: list[Verdict] = []

    def judge(what: str, figure: float | None, unit: str, limit: float, *, at_most: bool = True) -> None:
        if figure is not None:
            found.append(Verdict(what, figure, unit, limit, at_most))

    def times(what: str, size: int, case: tuple[str, str], limit: float) -> None:
        judge(f"{what} at {size:,} / libca loop", results.ratio(*case, measures.floor(case[0]), size), "x", limit)

    def faster(what: str, slow: tuple[str, str], case: tuple[str, str], limit: float) -> None:
        judge(f"{what} at 40,000", results.ratio(*slow, case, 40_000), "x", limit, at_most=False)

    read = (measures.READ, best_engine)
    times("1  warm read", 40_000, read, 2)
    faster("1  aioca lists / warm read", (measures.READ, measures.AIOCA), read, 100)
    for measure in (measures.TRIGGER_SAME, measures.TRIGGER_CHANGED):
        for size in (40_000, 100_000):
            times(f"2  {measure}", size, (measure, measures.SNAPIOC), 3)
        faster(f"2  squirrel way / {measure}", (measures.TRIGGER_SAME, measures.SQUIRREL), (measure, measures.SNAPIOC), 80)
    restore = (measures.RESTORE, measures.SNAPIOC)
    faster("3  aioca put and get lists / restore", (measures.RESTORE, measures.AIOCA), restore, 60)
    # Of issue 4: in times the read of our own engine in the same turns.
    between = (measures.READ_BETWEEN, best_engine)
    for what, measure, limit in (("compare", measures.COMPARE, 2), ("restore", measures.RESTORE, 8)):
        ratio = results.ratio(measure, measures.SNAPIOC, between, 40_000)
        judge(f"issue 4, 6  {what} at 40,000 / our read in the same turns", ratio, "x", limit)
    for state in (drift.NONE, drift.SOME, drift.ALL, drift.MOVING):
        share = results.median(state, measures.SNAPIOC, 40_000)
        judge(f"issue 5, 2  {state}", share and share * 100, "%", 10)
    _judge_load(results, judge)
    _judge_store(results, judge)
    connected = results.median("memory per PV, connected", measures.SNAPIOC, 100_000)
    judge("7  memory per PV, 100,000 connected", connected, "B", 1500)
    return found


def _judge_load(results: Results, judge: Callable[..., None]) -> None:
    size = 100_000
    p99 = [results.median(f"put-callback, p99, {state}", measures.SNAPIOC, size) for state in ("saving", "idle")]
    slip = results.median("heartbeat slip, worst, saving", measures.SNAPIOC, size)
    if p99[0] is not None and p99[1] is not None and slip is not None:
        judge("4  put-callback p99 while saving 100,000, beyond idle", (p99[0] - p99[1]) * 1e3, "ms", 20)
        judge("4  heartbeat slip while saving 100,000, the worst", slip * 1e3, "ms", 50)


def _judge_store(results: Results, judge: Callable[..., None]) -> None:
    def of(measure: str, size: int) -> float | None:
        return results.median(measure, STORE, size)

    judge("5  bytes of an unchanged snapshot of 40,000", of("bytes, unchanged", 40_000), "B", 16_000)
    judge("5  bytes per scalar PV, all random", of("bytes, all random, per scalar PV", 40_000), "B", 14)
    history = of("history of one PV, store just opened", 40_000)
    judge("6  history of one PV over 1,000 snapshots", history and history * 1e3, "ms", 150)
    page = of("newest page of the list", 10_000)
    judge("6  newest page of 10,000 snapshots", page and page * 1e3, "ms", 20)
