"""One run with very many PVs over several IOCs: that it works, how long it takes, and in how much memory."""

from __future__ import annotations

from pathlib import Path

from . import measures
from .child import Child
from .facility import facility
from .results import Results
from .targets import targets

SIZE = 1_000_000


def measure_million(results: Results, repeat: int, folder: Path, size: int = SIZE) -> None:
    """Connect and save, the libca loop and snapioc taking turns."""
    with targets(size, folder) as machine:
        with facility(machine, folder / "idle", 1) as place:
            idle = place.memory()
        with Child("libca", machine.addresses) as lean:
            results.add(measures.CONNECT, measures.LIBCA, size, lean.ask("connect", str(machine.names)))
            with facility(machine, folder / f"snapioc{size}") as place:
                results.add(measures.START, measures.SNAPIOC, size, place.started_in)
                results.add("memory per PV, connected", measures.SNAPIOC, size, (place.memory() - idle) / size)
                results.add(measures.TRIGGER_FIRST, measures.SNAPIOC, size, place.trigger())
                for _ in range(repeat):
                    results.add(measures.READ_BETWEEN, measures.LIBCA, size, lean.ask("read"))
                    results.add(measures.TRIGGER_SAME, measures.SNAPIOC, size, place.trigger())
                peak = (place.memory() - idle) / size
                results.add("memory per PV, after saves", measures.SNAPIOC, size, peak)
