"""read_set: the files of a set, with all that they include, as one PvSet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from snapioc.model import ConfigError, Member, PvSet, canonical_name, name_fault

from .entries import Fault, Include
from .request_list import parse_list
from .source import read_text
from .table import parse_table

_MOST_FAULTS = 50
"""How many faults one error names; a wrong macro may spoil 100,000 lines."""

_NOT_READ = (".json", ".yaml", ".yml")
"""PSI's other request formats. Read as a plain list they would give PVs named `include:` and the like."""


@dataclass(frozen=True, slots=True)
class SetFile:
    """A file of a set, and the macros that apply in it."""

    path: Path
    macros: Mapping[str, str] = field(default_factory=dict)


def read_set(name: str, files: Sequence[SetFile], fault_of: Callable[[str], str | None] = name_fault) -> PvSet:
    """The PVs of all files in their order as one set; a file that ends in `.csv` is a table, any other a list.

    `fault_of` says why a PV cannot stand in the set, None if it can. Raises ConfigError with a line for each fault, which
    begins with `path:line: ` (`path: ` for a file that cannot be read); every fault of every file is found.
    """
    reader = _SetReader(name, fault_of)
    for file in files:
        reader.read_top(file)
    reader.raise_faults()
    return PvSet(name, tuple(reader.members))


@dataclass(frozen=True, slots=True)
class _OpenFile:
    """A file that is being read, and what included it."""

    path: Path
    macros: Mapping[str, str]
    parents: tuple[_OpenFile, ...] = ()
    included_at: str = ""

    @property
    def origin(self) -> str:
        """Behind the text of a fault: the same line of a file can be wrong with one include's macros only."""
        return f" (included at {self.included_at})" if self.included_at else ""

    @property
    def top(self) -> _OpenFile:
        return self.parents[0] if self.parents else self

    @property
    def chain(self) -> tuple[_OpenFile, ...]:
        return (*self.parents, self)


@dataclass(slots=True)
class _SetReader:
    name: str
    fault_of: Callable[[str], str | None]
    members: list[Member] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _places: dict[str, str] = field(default_factory=dict)

    def read_top(self, file: SetFile) -> None:
        try:
            self._read(_OpenFile(file.path, file.macros), read_text(file.path))
        except ConfigError as fault:
            self.faults.append(f"{fault} (a file of set {self.name})")

    def raise_faults(self) -> None:
        if self.faults:
            more = len(self.faults) - _MOST_FAULTS
            raise ConfigError("\n".join(self.faults[:_MOST_FAULTS] + ([f"and {more} more faults"] if more > 0 else [])))

    def _read(self, file: _OpenFile, text: str) -> None:
        suffix = file.path.suffix.lower()
        if suffix in _NOT_READ:
            raise ConfigError(f"{file.path}: {suffix} request files are not read; make it a .req or .csv file")
        table = suffix == ".csv"
        entries = parse_table(text, file.macros) if table else parse_list(text, file.macros, top=not file.parents)
        for line, entry in entries:
            place = f"{file.path}:{line}"
            if isinstance(entry, Member):
                fault = self._add(entry, place)
            elif isinstance(entry, Include):
                fault = self._include(entry, file, place)
            else:
                fault = entry
            if fault:
                self.faults.append(f"{place}: {fault.text}{file.origin}")

    def _add(self, member: Member, place: str) -> Fault | None:
        why = self.fault_of(member.pv)
        if why:
            return Fault(f"{member.pv}: {why}" if member.pv else why)
        name = canonical_name(member.pv)
        if name in self._places:
            return Fault(f"{member.pv} stands in the set already, at {self._places[name]}")
        if member.readback:
            why = self.fault_of(member.readback)
            if why:
                return Fault(f"readback {member.readback}: {why}")
            if member.readback == member.pv:
                return Fault(f"{member.pv} is its own readback")
        self._places[name] = place
        self.members.append(member)
        return None

    def _include(self, include: Include, parent: _OpenFile, place: str) -> Fault | None:
        try:
            path, text = _find(include.name, parent)
            trace = [open_file.path.resolve() for open_file in parent.chain]
            if path.resolve() in trace:
                loop = " -> ".join(str(open_file.path) for open_file in parent.chain)
                return Fault(f"the file is included by itself: {loop} -> {path}")
            self._read(_OpenFile(path, include.macros, parent.chain, place), text)
        except ConfigError as fault:
            return Fault(f"cannot include {include.name}: {fault}")
        return None


def _find(name: str, parent: _OpenFile) -> tuple[Path, str]:
    """The included file, beside the file that includes it or else beside the top file, and its text."""
    beside = parent.path.parent / name
    try:
        return beside, read_text(beside)
    except ConfigError as fault:
        beside_top = parent.top.path.parent / name
        if beside_top == beside or not isinstance(fault.__cause__, FileNotFoundError):
            raise
        try:
            return beside_top, read_text(beside_top)
        except ConfigError as fault_at_top:
            if isinstance(fault_at_top.__cause__, FileNotFoundError):
                raise fault from None
            raise
