"""The plot: time over size for everyone, one panel for the read and one for the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from . import measures
from .results import Results

PANELS = {
    "connect": (measures.CONNECT,),
    "read all, connected": (measures.READ,),
    "save": (measures.TRIGGER_SAME, measures.TRIGGER_CHANGED),
    "restore or put, and read back": (measures.RESTORE,),
}


COLOURS = {
    measures.LIBCA: "black",
    measures.AIOCA: "tab:orange",
    measures.PYEPICS: "tab:green",
    measures.SQUIRREL: "tab:red",
    measures.SNAPIOC: "tab:blue",
    measures.engine("bulk"): "tab:cyan",
    measures.engine("aioca"): "tab:purple",
}
"""The same in all panels."""


def write_plot(results: Results, machine: Mapping[str, Any], file: Path) -> None:
    """Write a PNG file."""
    figure = Figure(figsize=(14, 9), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"medians on {machine['cores']} cores, {machine['cpu']}, IOC and clients together; {machine['date']}")
    for axes, (title, shown) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
        _panel(axes, results, shown)
        axes.set(title=title, xlabel="PVs", ylabel="ms", xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axes.grid(visible=True, alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small")
    figure.savefig(file, dpi=100)


def _panel(axes: Axes, results: Results, shown: tuple[str, ...]) -> None:
    for style, measure in zip(("-", "--"), shown, strict=False):
        for participant in results.participants(measure):
            sizes = [size for size in results.sizes(measure) if results.median(measure, participant, size)]
            times = [1e3 * (results.median(measure, participant, size) or 0.0) for size in sizes]
            label = participant if len(shown) == 1 else f"{participant}: {measure}"
            axes.plot(sizes, times, style, marker="o", label=label, color=COLOURS.get(participant))
