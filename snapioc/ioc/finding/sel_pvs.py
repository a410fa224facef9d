"""SEL: the snapshot that somebody looks at, edits or deletes, with a page of its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snapioc.model import Refused, Severity, SnapshotHeader, kind_text
from snapioc.operations.finding.selection import Selection
from snapioc.operations.finding.value_rows import LiveValue, ValueRow
from snapioc.operations.wording import tags_of

from ..circuit import Put
from ..kinds import BinaryPv, CountPv, LongPv, StringPv, TextPv, WholeTextPv
from ..snap_pv import SnapGroup
from ..texts import fit
from ..view import local_time
from .part import FROM_ONE, NOT_BELOW_ZERO, PartPvs, post_all, post_rows

VERSION_LENGTH = 12
"""Hexadecimal digits by which the version of a set is told, as `snapioc show` does."""


class ValueRowPvs(SnapGroup):
    """One PV of the selected snapshot."""

    pv = TextPv.pv("PV", "Name of the PV")
    value = TextPv.pv("VALUE", "What was stored")
    units = StringPv.pv("UNITS", "Its units")
    severity = StringPv.pv("SEVERITY", "Its severity, empty: no alarm")
    time = StringPv.pv("TIME", "Its time stamp")
    live = TextPv.pv("LIVE", "What it holds now, MINOR if it differs")


class SelPvs(PartPvs):
    """What is known of the snapshot, and what page of its values is shown."""

    part = "SEL"
    row = ValueRowPvs

    id = LongPv.pv("ID", "The snapshot to look at, 0: none", limits=NOT_BELOW_ZERO, handler="put_id")
    set = StringPv.pv("SET", "Its set")
    time = StringPv.pv("TIME", "When it was taken")
    kind = StringPv.pv("KIND", "How it came to be")
    title = TextPv.pv("TITLE", "Its title, a put changes it", handler="put_title")
    comment = TextPv.pv("COMMENT", "Its comment, a put changes it", handler="put_comment")
    tags = TextPv.pv("TAGS", "Its tags, a put changes them", handler="put_tags")
    by = StringPv.pv("BY", "Who took it")
    host = TextPv.pv("FROM", "From where")
    total = LongPv.pv("TOTAL", "PVs that it was to have", limits=NOT_BELOW_ZERO)
    ok = LongPv.pv("OK", "PVs that were read", limits=NOT_BELOW_ZERO)
    missing = CountPv.pv("MISSING", "PVs that could not be read", limits=NOT_BELOW_ZERO)
    invalid = CountPv.pv("INVALID", "PVs with INVALID severity", limits=NOT_BELOW_ZERO)
    version = StringPv.pv("VERSION", "Version of its set")
    golden = BinaryPv.pv("GOLDEN", "Whether it is golden for its set", labels=("No", "Yes"))
    delete = LongPv.pv("DELETE", "Delete it: put its id once more", limits=NOT_BELOW_ZERO, handler="put_delete")
    filter = WholeTextPv.pv("FILTER", "Globs of the PVs to show, !glob not", handler="put_filter")
    count = LongPv.pv("COUNT", "PVs that the filter chooses", limits=NOT_BELOW_ZERO)
    page = LongPv.pv("PAGE", "The page of values shown, from 1", limits=FROM_ONE, handler="put_page")
    pages = LongPv.pv("PAGES", "How many pages there are", limits=FROM_ONE)
    next = BinaryPv.pv("NEXT", "Next page of values", labels=("Idle", "Next"), handler="put_next")
    prev = BinaryPv.pv("PREV", "Previous page of values", labels=("Idle", "Previous"), handler="put_prev")
    message = TextPv.pv("MESSAGE", "What became of it, or why put refused")

    @property
    def selection(self) -> Selection:
        """What is shown."""
        return self.browser.selection

    async def refused_put(self, why: str) -> None:
        """Say in MESSAGE too why a put was refused."""
        await super().refused_put(why)
        await self.selection.refused(why)

    async def put_id(self, snapshot_id: int, put: Put) -> bool:
        """Show a snapshot."""
        return await self.selection.choose(snapshot_id)

    async def put_title(self, text: str, put: Put) -> None:
        """Change its title."""
        await self.selection.edit(put.origin(self.control.name), title=text)

    async def put_comment(self, text: str, put: Put) -> None:
        """Change the comment on it."""
        await self.selection.edit(put.origin(self.control.name), comment=text)

    async def put_tags(self, text: str, put: Put) -> None:
        """Change its tags."""
        await self.selection.edit(put.origin(self.control.name), tags=tags_of(text))

    async def put_delete(self, snapshot_id: int, put: Put) -> None:
        """Delete it."""
        if snapshot_id < 0:
            raise Refused(f"{snapshot_id} is no snapshot's id")
        await self.selection.delete(snapshot_id, put.origin(self.control.name))

    async def put_filter(self, text: str, put: Put) -> bool:
        """Choose the PVs that are shown."""
        return await self.selection.choose_pvs(text.strip())

    async def put_page(self, page: int, put: Put) -> None:
        """Show a page of values."""
        await self.selection.turn_to(page)

    async def put_next(self, wanted: int, put: Put) -> None:
        """Show the next page, unless a button was released."""
        if wanted:
            await self.selection.turn(1)

    async def put_prev(self, wanted: int, put: Put) -> None:
        """Show the previous page, unless a button was released."""
        if wanted:
            await self.selection.turn(-1)


_HEADER: Mapping[str, Callable[[SnapshotHeader], Any]] = {
    "set": lambda header: header.set_name,
    "time": lambda header: local_time(header.taken_at),
    "kind": kind_text,
    "title": lambda header: header.title,
    "comment": lambda header: header.comment,
    "tags": lambda header: ", ".join(header.tags),
    "by": lambda header: header.origin.user,
    "host": lambda header: header.origin.host,
    "total": lambda header: header.total,
    "ok": lambda header: header.ok,
    "missing": lambda header: header.missing,
    "invalid": lambda header: header.invalid,
    "version": lambda header: header.set_digest[:VERSION_LENGTH],
}

_NO_HEADER: Mapping[str, Callable[[None], Any]] = {
    name: (lambda _: 0) if name in ("total", "ok", "missing", "invalid") else (lambda _: "") for name in _HEADER
}

_SHOWN: Mapping[str, Callable[[Selection], Any]] = {
    "golden": lambda part: int(part.is_golden),
    "filter": lambda part: part.filter,
    "count": lambda part: part.values.count,
    "pages": lambda part: part.values.pages,
    "page": lambda part: part.values.page,
    "message": lambda part: fit(part.message),
    "id": lambda part: part.id,
}
"""ID comes last: who sees it change can read the rest."""


class SelView:
    """Shows a Selection."""

    def __init__(self, pvs: SelPvs) -> None:
        self._pvs = pvs

    async def changed(self) -> None:
        """Show the header, the values, and what the machine holds now."""
        part = self._pvs.selection
        if part.header:
            await post_all(self._pvs, _HEADER, part.header)
        else:
            await post_all(self._pvs, _NO_HEADER, None)
        live = part.values.live or (LiveValue(),) * len(part.values.rows)
        await post_rows(self._pvs.rows, zip(part.values.rows, live, strict=True), _post_row)
        await post_all(self._pvs, _SHOWN, part)


_NOTHING = (ValueRow("", "", "", Severity.NO_ALARM, ""), LiveValue())


async def _post_row(pvs: Any, shown: tuple[ValueRow, LiveValue] | None) -> None:
    row, live = shown or _NOTHING
    await pvs.value.post(row.value, row.severity)
    await pvs.units.post(row.units)
    await pvs.severity.post(row.severity.name if row.severity else "", row.severity)
    await pvs.time.post(row.time)
    await pvs.live.post(live.text, Severity.MINOR if live.differs else Severity.NO_ALARM)
    await pvs.pv.post(row.pv)
