"""LIST: a page of the list of snapshots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snapioc.model import SnapshotHeader, by_text, kind_text
from snapioc.operations.finding import ListKind
from snapioc.operations.finding.listing import ListPage

from ..circuit import Put
from ..kinds import BinaryPv, CountPv, EnumPv, LongPv, StringPv, TextPv, WholeTextPv
from ..snap_pv import SnapGroup
from ..texts import fit
from ..view import local_time
from .part import FROM_ONE, NOT_BELOW_ZERO, PartPvs, post_all, post_rows

KIND_LABELS = ("Hand-made", "Automatic", "All", "Undo")


class ListRowPvs(SnapGroup):
    """One snapshot of the page."""

    id = LongPv.pv("ID", "Id of the snapshot, 0: empty row", limits=NOT_BELOW_ZERO)
    time = StringPv.pv("TIME", "When it was taken")
    set = StringPv.pv("SET", "Its set")
    kind = StringPv.pv("KIND", "How it came to be")
    title = TextPv.pv("TITLE", "Its title")
    tags = TextPv.pv("TAGS", "Its tags")
    by = TextPv.pv("BY", "Who took it, and from where")
    ok = LongPv.pv("OK", "PVs that were read", limits=NOT_BELOW_ZERO)
    missing = CountPv.pv("MISSING", "PVs that could not be read", limits=NOT_BELOW_ZERO)


class ListPvs(PartPvs):
    """The filters, and what page of the list is shown."""

    part = "LIST"
    row = ListRowPvs

    title = WholeTextPv.pv("TITLE", "Only titles with this part, or this glob", handler="put_title")
    tag = WholeTextPv.pv("TAG", "Only those with this tag", handler="put_tag")
    set = StringPv.pv("SET", "Only those of this set", handler="put_set")
    since = StringPv.pv("SINCE", "Only from then: date, 2h, 3d, today", handler="put_since")
    until = StringPv.pv("UNTIL", "Only up to then: date, 2h, yesterday", handler="put_until")
    pv = WholeTextPv.pv("PV", "Only those that contain this PV", handler="put_pv")
    kind = EnumPv.pv("KIND", "Which kinds", labels=KIND_LABELS, handler="put_kind")
    count = LongPv.pv("COUNT", "Snapshots that the filters let pass", limits=NOT_BELOW_ZERO)
    page = LongPv.pv("PAGE", "The page shown, from 1", limits=FROM_ONE, handler="put_page")
    pages = LongPv.pv("PAGES", "How many pages there are", limits=FROM_ONE)
    next = BinaryPv.pv("NEXT", "Older ones", labels=("Idle", "Next"), handler="put_next")
    prev = BinaryPv.pv("PREV", "Newer ones", labels=("Idle", "Previous"), handler="put_prev")
    newer = LongPv.pv("NEWER", "Came since the rows stand still", limits=NOT_BELOW_ZERO)
    refresh = BinaryPv.pv("REFRESH", "Move to the newest", labels=("Idle", "Refresh"), handler="put_refresh")
    message = TextPv.pv("MESSAGE", "Why it is empty, old, or a put refused")

    @property
    def list(self) -> ListPage:
        """What is shown."""
        return self.browser.list

    async def refused_put(self, why: str) -> None:
        """Say in MESSAGE too why a put was refused."""
        await super().refused_put(why)
        await self.list.refused(why)

    async def put_title(self, text: str, put: Put) -> bool:
        """Take a part of the title, or a glob for all of it."""
        return await self.list.filter(title=text)

    async def put_tag(self, text: str, put: Put) -> bool:
        """Take a tag."""
        return await self.list.filter(tag=text)

    async def put_set(self, text: str, put: Put) -> bool:
        """Take the name of a set."""
        return await self.list.filter(set_name=text)

    async def put_since(self, text: str, put: Put) -> bool:
        """Take the earliest time."""
        return await self.list.filter(since=text)

    async def put_until(self, text: str, put: Put) -> bool:
        """Take the latest time."""
        return await self.list.filter(until=text)

    async def put_pv(self, text: str, put: Put) -> bool:
        """Take the name of a PV."""
        return await self.list.filter(pv=text)

    async def put_kind(self, index: int, put: Put) -> bool:
        """Take which kinds of snapshots are shown."""
        return await self.list.filter(kind=ListKind(index))

    async def put_page(self, page: int, put: Put) -> bool:
        """Show a page."""
        return await self.list.turn_to(page)

    async def put_next(self, wanted: int, put: Put) -> bool:
        """Show the next page, unless a button was released."""
        return not wanted or await self.list.turn(1)

    async def put_prev(self, wanted: int, put: Put) -> bool:
        """Show the previous page, unless a button was released."""
        return not wanted or await self.list.turn(-1)

    async def put_refresh(self, wanted: int, put: Put) -> bool:
        """Show the newest, unless a button was released."""
        return not wanted or await self.list.newest()


_SHOWN: Mapping[str, Callable[[ListPage], Any]] = {
    "title": lambda part: part.filters.title,
    "tag": lambda part: part.filters.tag,
    "set": lambda part: part.filters.set_name,
    "since": lambda part: part.filters.since,
    "until": lambda part: part.filters.until,
    "pv": lambda part: part.filters.pv,
    "kind": lambda part: int(part.filters.kind),
    "message": lambda part: fit(part.message),
}

_AFTER_ROWS: Mapping[str, Callable[[ListPage], Any]] = {
    "count": lambda part: part.listed.count,
    "pages": lambda part: part.pages,
    "newer": lambda part: part.listed.newer,
    "page": lambda part: part.listed.page,
}

_ROW: Mapping[str, Callable[[SnapshotHeader], Any]] = {
    "time": lambda header: local_time(header.taken_at),
    "set": lambda header: header.set_name,
    "kind": kind_text,
    "title": lambda header: header.title,
    "tags": lambda header: ", ".join(header.tags),
    "by": lambda header: by_text(header.origin),
    "ok": lambda header: header.ok,
    "missing": lambda header: header.missing,
    "id": lambda header: header.id,
}
"""ID comes last: who sees it change can read the rest."""

_EMPTY: Mapping[str, Callable[[None], Any]] = {
    name: (lambda _: 0) if name in ("id", "ok", "missing") else (lambda _: "") for name in _ROW
}


class ListView:
    """Shows a ListPage."""

    def __init__(self, pvs: ListPvs) -> None:
        self._pvs = pvs

    async def changed(self) -> None:
        """Show filters, rows, and what page they are."""
        part = self._pvs.list
        await post_all(self._pvs, _SHOWN, part)
        await post_rows(self._pvs.rows, part.listed.rows, _post_row)
        await post_all(self._pvs, _AFTER_ROWS, part)


async def _post_row(row: SnapGroup, header: SnapshotHeader | None) -> None:
    if header is None:
        await post_all(row, _EMPTY, None)
    else:
        await post_all(row, _ROW, header)
