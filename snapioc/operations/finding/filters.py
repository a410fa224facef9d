"""What a list is to show: the filters of LIST: as they were written, and what they ask of the store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from snapioc.model import AFTER_RESTORE, AUTOMATIC, BEFORE_RESTORE, MANUAL, Refused, Wanted, name_fault

from .moments import moment


class ListKind(IntEnum):
    """Which snapshots a list has."""

    HAND_MADE = 0
    AUTOMATIC = 1
    ALL = 2
    UNDO = 3


_KINDS = {
    ListKind.HAND_MADE: (MANUAL,),
    ListKind.AUTOMATIC: (AUTOMATIC,),
    ListKind.ALL: (MANUAL, AUTOMATIC),
    ListKind.UNDO: (BEFORE_RESTORE, AFTER_RESTORE),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Texts as they were written; an empty one lets all pass."""

    title: str = ""
    tag: str = ""
    set_name: str = ""
    since: str = ""
    until: str = ""
    pv: str = ""
    kind: ListKind = ListKind.HAND_MADE

    def check(self, now: float) -> None:
        """Raise Refused if one of them cannot be understood."""
        self.wanted(now)
        fault = name_fault(self.pv.strip()) if self.pv.strip() else None
        if fault:
            raise Refused(fault)

    def wanted(self, now: float) -> Wanted:
        """What they mean at the Unix time `now`. Raises Refused for a time that is none."""
        return Wanted(
            kinds=_KINDS[self.kind],
            title=self.title.strip(),
            tag=self.tag.strip(),
            set_name=self.set_name.strip(),
            since=moment(self.since, now) if self.since.strip() else None,
            until=moment(self.until, now, last=True) if self.until.strip() else None,
            pv=self.pv.strip(),
        )
