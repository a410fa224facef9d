"""A machine with its store and its groups, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from snapioc.model import Member, Origin, PvSet, PvVerdict, RestoreRecord, Value
from snapioc.operations import Console, Group, Plant, SetSettings, Status

from .fakes import FakeChannels, FakePv, FakeStore, FakeView

G = TypeVar("G", bound=Group)

OPERATOR = Origin("operator", "console-1")

TWO_SETS = {"A": [Member("A:1"), Member("A:2"), Member("A:3")], "B": [Member("B:1"), Member("A:3")]}


class Machine:
    """A plant with sets, by default A (A:1, A:2, A:3) and B (B:1, and A:3 which it shares).

    Every PV, the readbacks too, is a double and holds at first what number it is: 0.0, 1.0, ...
    """

    def __init__(self, members: Mapping[str, Sequence[Member]] = TWO_SETS, **settings: object) -> None:
        sets = {
            name: SetSettings(PvSet(name, tuple(those)), **settings)  # type: ignore[arg-type]
            for name, those in members.items()
        }
        names = dict.fromkeys(pv for known in sets.values() for pv in known.pv_set.pvs)
        self.pvs = {name: FakePv(float(number)) for number, name in enumerate(names)}
        self.channels = FakeChannels(self.pvs)
        self.store = FakeStore()
        self.plant = Plant(self.channels, self.store, sets)
        self.groups = {name: self._watched(Group(self.plant, known)) for name, known in sets.items()}
        self.console = self._watched(Console(self.plant))

    def _watched(self, group: G) -> G:
        state = group.state
        group.view = FakeView(lambda: (state.status, state.progress, state.result, state.refused))
        state.status = Status.IDLE
        return group

    @property
    def a(self) -> Group:
        return self.groups["A"]

    async def saved(self, group: str = "A") -> int:
        """Save a set; the id of the snapshot."""
        assert await self.groups[group].trigger(OPERATOR)
        return self.groups[group].state.last_id

    def move(self, **values: Value) -> None:
        """Give PVs of the set A other values: `_1=5.0` for A:1."""
        for name, value in values.items():
            self.pvs[name.replace("_", "A:")].value = value

    def hold(self, *pvs: str) -> list[Value]:
        """What these PVs hold, by default all of the machine."""
        return [self.pvs[pv].value for pv in pvs or self.pvs]

    def record(self) -> RestoreRecord:
        """The last restore."""
        return self.store.restores[max(self.store.restores)]

    def verdicts(self) -> dict[str, PvVerdict]:
        """What the record of the last restore says of each PV."""
        pv_set, outcomes = self.store.outcomes[self.record().id]
        return {
            pv_set.pvs[row]: PvVerdict(verdict)
            for row, verdict in zip(outcomes.rows.tolist(), outcomes.verdicts.tolist(), strict=True)
        }

    def texts(self) -> dict[str, str]:
        """What the record of the last restore says of PVs in words."""
        pv_set, outcomes = self.store.outcomes[self.record().id]
        return {pv_set.pvs[row]: text for row, text in outcomes.texts.items()}

    def at(self, call: str, number: int, act: Callable[[], None]) -> None:
        """Do something at the beginning of a call of the CA client or the store, the `number`th from now on."""
        seen: Counter[str] = Counter()

        def hook(name: str) -> None:
            seen[name] += 1
            if (name, seen[name]) == (call, number):
                act()

        self.channels.hook = self.store.hook = hook

    def abort(self) -> None:
        """What ABORT of A does at once."""
        assert self.a._job
        self.a._job.abort()


A = ["A:1", "A:2", "A:3"]
STORED, BEFORE = [0.0, 1.0, 2.0], [10.0, 11.0, 12.0]


async def moved(*members: Member, **settings: object) -> Machine:
    """A machine whose set A (by default of the PVs A) was saved at STORED, as 1001, and moved to BEFORE since.

    There is a set B of B:1 and A:3 too.
    """
    machine = Machine({**TWO_SETS, "A": members or TWO_SETS["A"]}, **settings)
    await machine.saved()
    for member in machine.a.settings.pv_set.members:
        machine.pvs[member.pv].value += 10  # type: ignore[operator]
    return machine


def counts(group: Group) -> dict[str, int]:
    """The N_ PVs that are not 0."""
    names = ("total", "done", "failed", "skipped", "unchanged", "invalid")
    return {name: getattr(group.state, name) for name in names if getattr(group.state, name)}


def spoilt(**fields: Any) -> Callable[[Machine], None]:
    """A:2 is like this."""

    def spoil(machine: Machine) -> None:
        for name, value in fields.items():
            setattr(machine.pvs["A:2"], name, value)

    return spoil


def later(call: str, number: int, **fields: Any) -> Callable[[Machine], None]:
    """A:2 is like this from a call on."""
    return lambda machine: machine.at(call, number, lambda: spoilt(**fields)(machine))
