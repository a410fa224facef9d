"""The tables of a run, in plain text that a README can show as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from . import measures
from .criteria import Verdict
from .results import Results

TIMED = (
    measures.CONNECT,
    measures.FIRST_READ,
    measures.READ,
    measures.START,
    measures.READ_BETWEEN,
    measures.TRIGGER_FIRST,
    measures.TRIGGER_CHANGED,
    measures.TRIGGER_SAME,
    measures.COMPARE,
    measures.RESTORE,
)
"""What is shown by size; the rest has one size only."""

WIDTH = 160


def print_report(results: Results, machine: Mapping[str, Any], verdicts: Sequence[Verdict], console: Console) -> None:
    """Print everything."""
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), soft_wrap=True)
    console.print(_times(results))
    console.print(_others(results))
    console.print(_judged(verdicts))


def plain_console() -> Console:
    """A console without colours, wide enough for the tables."""
    return Console(width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False)


def _times(results: Results) -> Table:
    """Medians in ms; in brackets the ratio to the libca loop reading as many PVs (`measures.floor`)."""
    sizes = sorted({size for measure in TIMED for size in results.sizes(measure)})
    table = Table(box=box.MARKDOWN)
    table.add_column("ms, median (ratio to the libca loop's read in the same turns)")
    for size in sizes:
        table.add_column(f"{size:,}", justify="right")
    for measure in TIMED:
        for participant in results.participants(measure):
            cells = [_time(results, measure, participant, size) for size in sizes]
            table.add_row(f"{measure}: {participant}", *cells)
    return table


def _time(results: Results, measure: str, participant: str, size: int) -> str:
    seconds = results.median(measure, participant, size)
    if seconds is None:
        return ""
    ratio = results.ratio(measure, participant, measures.floor(measure), size)
    return _number(seconds * 1e3) + (f" ({_number(ratio)}x)" if ratio else "")


def _others(results: Results) -> Table:
    table = Table("figure", "of", box=box.MARKDOWN)
    table.add_column("size", justify="right")
    table.add_column("median", justify="right")
    for key in results.figures:
        if key.measure not in TIMED:
            median = results.median(key.measure, key.participant, key.size) or 0.0
            table.add_row(key.measure, key.participant, f"{key.size:,}", _with_unit(key.measure, median))
    return table


def _judged(verdicts: Sequence[Verdict]) -> Table:
    table = Table("Done when", box=box.MARKDOWN)
    table.add_column("this run", justify="right")
    table.add_column("asked for", justify="right")
    table.add_column("")
    for verdict in verdicts:
        figure = f"{_number(verdict.figure)} {verdict.unit}"
        limit = f"{'at most' if verdict.at_most else 'at least'} {_number(verdict.limit)} {verdict.unit}"
        table.add_row(verdict.what, figure, limit, "reached" if verdict.reached else "NOT reached")
    return table


def _with_unit(measure: str, value: float) -> str:
    if measure.startswith(("bytes", "memory")):
        return f"{_number(value)} B"
    if measure.startswith(("heartbeats", "load")):
        return _number(value)
    return f"{_number(value * 1e3)} ms"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
