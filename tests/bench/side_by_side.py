"""Every way to connect, read, save and restore the same PVs, taking turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import measures
from .child import Child
from .engines import ENGINES
from .facility import Facility, facility
from .load import measure_load
from .results import Results
from .targets import Targets, targets

SLOW = {measures.AIOCA, measures.PYEPICS, measures.SQUIRREL, measures.engine("aioca")}
"""Those who need seconds where the others need milliseconds, and are asked less often at large sizes."""


@dataclass(frozen=True)
class Case:
    """One figure of one participant, measured when its turn comes; `prepare` is done before it and not timed."""

    measure: str
    participant: str
    run: Callable[[], float]
    prepare: Callable[[], object] = object


@dataclass(frozen=True)
class Effort:
    """How often and how long is measured."""

    repeat: int
    load_seconds: float

    def of(self, participant: str, size: int) -> int:
        """How often this participant is measured at this size."""
        if participant not in SLOW or size < 10_000:
            return self.repeat
        return min(self.repeat, 1 if size >= 100_000 else 3)


def measure_side_by_side(results: Results, size: int, effort: Effort, folder: Path, *, load: bool) -> None:
    """Measure everyone at this size, and with `load` how snapioc serves while it saves."""
    with targets(size, folder) as machine, ExitStack() as stack:
        children = _connect(results, machine, effort, folder, stack)
        take_turns(results, size, _reads(children), effort)
        idle = _idle_memory(machine, folder)
        place = stack.enter_context(facility(machine, folder / f"snapioc{size}"))
        results.add(measures.START, measures.SNAPIOC, size, place.started_in)
        results.add("memory per PV, connected", measures.SNAPIOC, size, (place.memory() - idle) / size)
        _operate(results, size, effort, place, children)
        results.add("memory per PV, after saves and restores", measures.SNAPIOC, size, (place.memory() - idle) / size)
        if load:
            measure_load(results, size, place, effort.load_seconds)


def take_turns(results: Results, size: int, cases: Sequence[Case], effort: Effort) -> None:
    """Run all cases, one after the other, again and again."""
    for turn in range(effort.repeat):
        for case in cases:
            if turn < effort.of(case.participant, size):
                case.prepare()
                results.add(case.measure, case.participant, size, case.run())


def _connect(results: Results, machine: Targets, effort: Effort, folder: Path, stack: ExitStack) -> dict[str, Child]:
    """Connect everyone in a process of its own, `repeat` times; the last ones stay."""
    makers: dict[str, tuple[str, list[str]]] = {
        measures.LIBCA: ("libca", []),
        measures.AIOCA: ("aioca_lists", [str(folder / f"squirrel{machine.size}.db")]),
        measures.PYEPICS: ("pyepics", []),
        **{measures.engine(name): ("engine", [name]) for name in ENGINES},
    }
    kept: dict[str, Child] = {}
    for turn in range(effort.repeat):
        for participant, (module, arguments) in makers.items():
            turns = effort.of(participant, machine.size)
            if turn < turns:
                child = Child(module, machine.addresses, *arguments)
                stack.callback(child.close)
                results.add(measures.CONNECT, participant, machine.size, child.ask("connect", str(machine.names)))
                results.add(measures.FIRST_READ, participant, machine.size, child.ask("read"))
                if turn < turns - 1:
                    child.close()
                else:
                    kept[participant] = child
    return kept


def _reads(children: dict[str, Child]) -> list[Case]:
    """Everyone's read. The quick ones read twice: whoever comes after a slow one would find the caches of the CPU cold."""
    return [
        Case(measures.READ, who, partial(child.ask, "read"), object if who in SLOW else partial(child.ask, "read"))
        for who, child in children.items()
    ]


def _idle_memory(machine: Targets, folder: Path) -> int:
    """Bytes of a snapioc with one PV."""
    with facility(machine, folder / "idle", 1) as place:
        return place.memory()


def _operate(results: Results, size: int, effort: Effort, place: Facility, children: dict[str, Child]) -> None:
    """Save and restore, and let squirrel and aioca do it their way in between."""
    lean, aioca = children[measures.LIBCA], children[measures.AIOCA]
    best = measures.engine(list(ENGINES)[-1])
    bulk = children[best]
    lean.ask("remember")
    results.add(measures.TRIGGER_FIRST, measures.SNAPIOC, size, place.trigger())
    base, steps = place.last_id(), iter(range(1, 1000))

    def restore() -> float:
        seconds = place.restore(base)
        same = lean.ask("same")
        if same != size:
            raise RuntimeError(f"{same} of {size} PVs hold their value after the restore")
        place.trigger()
        return seconds

    cases = [
        Case(measures.READ_BETWEEN, measures.LIBCA, partial(lean.ask, "read"), partial(lean.ask, "read")),
        Case(measures.READ_BETWEEN, best, partial(bulk.ask, "read"), partial(bulk.ask, "read")),
        Case(measures.TRIGGER_CHANGED, measures.SNAPIOC, place.trigger, lambda: lean.ask("change", next(steps))),
        Case(measures.RESTORE, measures.SNAPIOC, restore, lambda: lean.ask("change", next(steps))),
        Case(measures.COMPARE, measures.SNAPIOC, partial(place.compare, base)),
        # Twice, as the quick reads are: the caches of the CPU are cold after the compare.
        Case(measures.TRIGGER_SAME, measures.SNAPIOC, place.trigger, place.trigger),
        Case(measures.TRIGGER_SAME, measures.SQUIRREL, partial(aioca.ask, "squirrel")),
        Case(measures.RESTORE, measures.AIOCA, partial(aioca.ask, "put_and_read")),
        Case(measures.RESTORE, measures.LIBCA, partial(lean.ask, "write_and_read", 0)),
    ]
    take_turns(results, size, cases, effort)
