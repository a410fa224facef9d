"""PvSet and Member: a named list of PVs that are saved and restored together, with what the list says of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

MAX_PV_NAME = 500
"""Bytes of the longest PV name we accept; EPICS itself stops at 60 characters of record name, plus a field and filter."""


class Mode(StrEnum):
    """Whether a member is written by a restore."""

    READ_WRITE = "RW"
    READ_ONLY = "RO"


class OnInvalid(StrEnum):
    """What a restore does with a member that was stored with INVALID severity."""

    SKIP = "skip"
    WRITE = "write"


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
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, sort_keys=True, separators=(",", ":"))

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
    def digest(self) -> str:
        """SHA-256 of the members in their order, in hexadecimal."""
        lines = "\n".join(member.to_json() for member in self.members)
        return hashlib.sha256(lines.encode()).hexdigest()
