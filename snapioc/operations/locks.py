"""Locks on PVs: any number of saves may read a PV, or one restore may write it (pv-contract, "Groups")."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from snapioc.model import Refused

from .wording import pvs_of


@dataclass(frozen=True, eq=False)
class _Hold:
    holder: str
    pvs: frozenset[str]
    writes: bool


@dataclass(eq=False)
class Watch:
    """Somebody who holds no lock on these PVs, but wants to know who wrote them meanwhile; "" is nobody."""

    pvs: Collection[str]
    writer: str = ""

    def look_at(self, hold: _Hold) -> None:
        """Note the first one that writes."""
        if not self.writer and hold.writes and not hold.pvs.isdisjoint(self.pvs):
            self.writer = hold.holder


class PvLocks:
    """The PVs that running operations read or write."""

    def __init__(self) -> None:
        self._holds: list[_Hold] = []
        self._watches: list[Watch] = []

    @contextmanager
    def hold(self, holder: str, pvs: Iterable[str], *, writes: bool) -> Iterator[None]:
        """Keep others from writing these PVs, and with `writes` also from reading them; `holder` is named to them.

        The names are canonical, lest one PV be locked under one name and free under another.

        Raises Refused, naming the holder and a PV, if that is impossible now.
        """
        wanted = _Hold(holder, frozenset(pvs), writes)
        for other in self._holds:
            shared = wanted.pvs & other.pvs if writes or other.writes else None
            if shared:
                raise Refused(f"{other.holder} is running and shares {pvs_of(len(shared))}, {min(shared)} among them")
        self._holds.append(wanted)
        for watch in self._watches:
            watch.look_at(wanted)
        try:
            yield
        finally:
            self._holds.remove(wanted)

    @contextmanager
    def watching(self, pvs: Collection[str]) -> Iterator[Watch]:
        """Hold up nobody, but know who of those that write these PVs, under their canonical names, ran in the block."""
        watch = Watch(pvs)
        for hold in self._holds:
            watch.look_at(hold)
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)

    @property
    def restoring(self) -> tuple[str, ...]:
        """The holders that write now."""
        return tuple(hold.holder for hold in self._holds if hold.writes)
