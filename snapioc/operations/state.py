"""What a group shows of itself: the states, results and counts of the PV contract, free of any CA."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Comparison, Difference, differences


class Status(IntEnum):
    """What a group is doing. Numbers never change; new ones are appended."""

    IDLE = 0
    SAVING = 1
    CHECKING = 2
    KEEPING = 3
    WRITING = 4
    WAITING = 5
    VERIFYING = 6
    COMPARING = 7
    PREVIEWING = 8
    ABORTING = 9
    STARTING = 10


class Result(IntEnum):
    """How the last operation ended."""

    NONE = 0
    SUCCESS = 1
    PARTIAL = 2
    FAILED = 3
    ABORTED = 4
    INTERRUPTED = 5


class Policy(IntEnum):
    """What a restore does when a PV cannot be written."""

    STRICT = 0
    BEST_EFFORT = 1


Named = tuple[tuple[str, str], ...]
"""PVs, each with a reason."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """All that a comparison found different, the largest differences first; made to texts as they are asked for."""

    comparison: Comparison
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    def page(self, first: int, end: int) -> tuple[Difference, ...]:
        """Those from place `first` up to `end`."""
        return tuple(differences(self.comparison, self.rows[first:end]))


@dataclass(frozen=True, slots=True)
class Compared:
    """What the last comparison found; `lines` are the first of the `different` PVs, and `show_all` shows all of them."""

    equal: int = 0
    different: int = 0
    unknown: int = 0
    lines: tuple[str, ...] = ()
    show_all: str = ""
    ranked: Ranked | None = field(default=None, compare=False)
    """All of them, for a console that shows pages."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What the last preview would write: how many PVs, the first of them as lines, and what shows all of them."""

    count: int = 0
    lines: tuple[str, ...] = ()
    show_all: str = ""


@dataclass(slots=True)
class GroupState:
    """The state PVs of one group; times in seconds but `skew` (ms), `last_time` is Unix time.

    `restore_id`, `preview_id` and `compare_id` are the ids last asked for, `show_all` says where all failures of the
    last operation are shown, if they are too many for a PV.
    """

    status: Status = Status.STARTING
    result: Result = Result.NONE
    ops: int = 0
    progress: float = 0.0
    message: str = ""
    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    unchanged: int = 0
    invalid: int = 0
    failures: Named = ()
    elapsed: float = 0.0
    skew: float = 0.0
    last_id: int = 0
    last_time: float = 0.0
    last_title: str = ""
    restore_id: int = 0
    preview_id: int = 0
    compare_id: int = 0
    planned: Planned = Planned()
    compared: Compared = Compared()
    saving: bool = False
    undoing: bool = False
    show_all: str = ""
    refused: int = 0
    refused_why: str = ""


@dataclass(slots=True)
class Inputs:
    """The settings of one group that clients write; `taken` counts the writes of each, so that a save can tell that a
    text was changed meanwhile, even to the same words."""

    title: str = ""
    comment: str = ""
    tags: str = ""
    filter: str = ""
    policy: Policy = Policy.STRICT
    changed_only: bool = True
    verify: bool = True
    rate: float = 0.0
    compare_with: int = 0
    writes: dict[str, int] = field(default_factory=dict)

    def set_text(self, name: str, text: str) -> None:
        """Take what a client wrote to `title`, `comment`, `tags` or `filter`."""
        setattr(self, name, text)
        self.writes[name] = self.writes.get(name, 0) + 1

    def clear_unless_changed(self, seen: dict[str, int], *names: str) -> None:
        """Empty the texts that were not written since their writes counted `seen`."""
        for name in names:
            if self.writes.get(name, 0) == seen.get(name, 0):
                setattr(self, name, "")


class View(Protocol):
    """Whoever shows a group's state; both return when its monitors are on their way."""

    async def changed(self) -> None:
        """Something in the group's state, inputs or refusals is new."""

    async def ended(self) -> None:
        """An operation ended: results first, even if equal, then OPS and STATUS (pv-contract, rule 5)."""
