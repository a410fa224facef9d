"""Finding: what a list of snapshots is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from .snapshot import MANUAL, Origin, SnapshotHeader


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which snapshots are looked for; what is empty or None does not matter. Times are Unix times, both ends included.

    `title` is a part of the title or, if it holds `*`, `?` or `[`, a glob for all of it, in either case whatever the case
    of letters; `tag` and `set_name` are whole; `pv` is a PV of the set as it was then, by whatever name a client may use.
    """

    kinds: tuple[str, ...] = (MANUAL,)
    title: str = ""
    tag: str = ""
    set_name: str = ""
    since: float | None = None
    until: float | None = None
    pv: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, the newest first, and how many snapshots the whole list has."""

    headers: tuple[SnapshotHeader, ...]
    count: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Somebody's change of what is said of a snapshot: at which Unix time, who, which field, from what to what."""

    at: float
    origin: Origin
    what: str
    subject: str
    before: str
    after: str
