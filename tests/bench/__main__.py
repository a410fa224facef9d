"""`python -m tests.bench`: measure everyone side by side, print the tables, write the plot and the figures."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import measures
from .criteria import verdicts
from .drift import measure_drift
from .engines import ENGINES
from .machine import describe_machine, load_average
from .million import measure_million
from .plot import write_plot
from .report import plain_console, print_report
from .results import Results
from .side_by_side import Effort, measure_side_by_side
from .stores import StoreEffort, measure_store


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark."""
    options = _parser().parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    results, machine = Results(), describe_machine()
    try:
        with tempfile.TemporaryDirectory(prefix="snapioc-bench-") as folder:
            _measure(results, options, Path(folder))
    finally:
        # Also of a run that broke off: what was measured until then must not be lost.
        _publish(results, machine, options)


def _publish(results: Results, machine: dict[str, Any], options: argparse.Namespace) -> None:
    judged = verdicts(results, measures.engine(list(ENGINES)[-1]))
    print_report(results, machine, judged, plain_console())
    write_plot(results, machine, options.output / "bench.png")
    raw = {"machine": machine, "options": {**vars(options), "output": options.output.name}, "figures": results.to_json()}
    (options.output / "bench.json").write_text(json.dumps(raw, indent=1))


def _measure(results: Results, options: argparse.Namespace, folder: Path) -> None:
    effort = Effort(options.repeat, options.load_seconds)
    for size in options.sizes:
        with _section(results, f"{size:,} PVs", size):
            measure_side_by_side(results, size, effort, folder, load=size == max(options.sizes))
    if options.drift:
        with _section(results, f"the drift of {options.drift:,} PVs", options.drift):
            measure_drift(results, options.drift, min(options.load_seconds, 15), options.repeat, folder)
    if options.store:
        with _section(results, "the store", options.store):
            asyncio.run(measure_store(results, _store_effort(options.store, options.repeat), folder))
    if options.million:
        with _section(results, "a million PVs", 1_000_000):
            measure_million(results, options.repeat, folder)


def _store_effort(pvs: int, repeat: int) -> StoreEffort:
    """What issue 3 asks for at its own size; of a smaller set fewer snapshots are stored too."""
    if pvs < 40_000:
        return StoreEffort(pvs, grown_by=3, history=20, listed=20, repeat=repeat)
    return StoreEffort(pvs, repeat=repeat)


@contextmanager
def _section(results: Results, title: str, size: int) -> Iterator[None]:
    """Say what goes on, and note how busy the machine is before and after."""
    results.add(f"load average before {title}", "the machine", size, load_average())
    begun = time.monotonic()
    print(f"measuring {title} ...", file=sys.stderr, flush=True)
    yield
    print(f"measured {title} in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    results.add(f"load average after {title}", "the machine", size, load_average())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    sizes = [1000, 10_000, 40_000, 100_000]
    parser.add_argument("--sizes", type=int, nargs="*", default=sizes, metavar="N", help=f"PVs (default {sizes})")
    parser.add_argument("--million", action="store_true", help="also one run with 1,000,000 PVs over several IOCs")
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="repetitions; slow ones get fewer (default 9)")
    parser.add_argument("--load-seconds", type=float, default=60.0, metavar="S", help="watch for so long (default 60)")
    parser.add_argument("--drift", type=int, default=40_000, metavar="N", help="PVs whose drift is watched; 0: without it")
    parser.add_argument("--store", type=int, default=40_000, metavar="N", help="PVs in the store's part; 0: without it")
    parser.add_argument("--output", type=Path, default=Path("bench"), metavar="FOLDER", help="for bench.png and bench.json")
    return parser


if __name__ == "__main__":
    main()
