"""PvSet and Member: a named list of PVs that are saved and restored together, with what the list says of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .names import canonical_name


class Mode(StrEnum):
    """Whether a member is written by a restore."""

    READ_WRITE = "RW"
    READ_ONLY = "RO"


class OnInvalid(StrEnum):
    """What a restore does with a member that was stored with INVALID severity."""

    SKIP = "skip"
    WRITE = "write"


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Member:
    """One PV of a set; tolerances as in COMPARE, `timeout` in seconds, `ramp` in units per second, None: not said."""

    pv: str
    readback: str = ""
    abs_tol: float = 0.0
    rel_tol: float = 0.0
    mode: Mode = Mode.READ_WRITE
    order: int = 0
    wait: bool = False
    timeout: float | None = None
    ramp: float | None = None
    always: bool = False
    required: bool = False
    invalid: OnInvalid = OnInvalid.SKIP
    tags: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The member in a form that is the same for equal members, and that `from_json` reads."""
        return _encode({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def from_json(cls, text: str) -> Member:
        """The member that `to_json` wrote."""
        known = json.loads(text)
        known |= {"mode": Mode(known["mode"]), "invalid": OnInvalid(known["invalid"]), "tags": tuple(known["tags"])}
        return cls(**known)


@dataclass(frozen=True)
class PvSet:
    """A version of a set: equal content has an equal `digest`, wherever its files lie."""

    name: str
    members: tuple[Member, ...]

    @cached_property
    def pvs(self) -> tuple[str, ...]:
        """Every PV that a save reads: the members in file order, then the readbacks that are not members themselves.

        Row i of a snapshot's Readings belongs to `pvs[i]`, so row i of a member is member i.
        """
        return tuple(dict.fromkeys([m.pv for m in self.members] + [m.readback for m in self.members if m.readback]))

    @cached_property
    def rows(self) -> dict[str, int]:
        """Where each PV stands in `pvs`."""
        return {pv: row for row, pv in enumerate(self.pvs)}

    @cached_property
    def canonical(self) -> tuple[str, ...]:
        """For each of `pvs` the name that all ways to write it share."""
        return tuple(map(canonical_name, self.pvs))

    @cached_property
    def required(self) -> NDArray[np.intp]:
        """The rows of the members without which a snapshot counts as failed."""
        return np.flatnonzero([member.required for member in self.members])

    @cached_property
    def always(self) -> NDArray[np.bool_]:
        """For each member whether it is written also if it holds its value."""
        return np.array([member.always for member in self.members], bool)

    @cached_property
    def read_only(self) -> NDArray[np.bool_]:
        """For each member whether it is never written."""
        return np.array([member.mode is Mode.READ_ONLY for member in self.members], bool)

    @cached_property
    def readback_rows(self) -> NDArray[np.intp]:
        """For each member the row of its readback, -1 if it has none."""
        return np.array([self.rows[member.readback] if member.readback else -1 for member in self.members], np.intp)

    @cached_property
    def tolerances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`abs_tol` and `rel_tol`, a row per PV of `pvs`.

        A readback that is no member itself has those of its member, of the first one if it is the readback of several.
        """
        members = list(self.members)
        owners = {member.readback: member for member in reversed(members)} if len(self.pvs) > len(members) else {}
        members += [owners[pv] for pv in self.pvs[len(members) :]]
        return np.array([m.abs_tol for m in members], np.float64), np.array([m.rel_tol for m in members], np.float64)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the members in their order, in hexadecimal."""
        lines = "\n".join(member.to_json() for member in self.members)
        return hashlib.sha256(lines.encode()).hexdigest()
