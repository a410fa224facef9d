"""ListPage: a page of the list of snapshots. It follows new ones, or stands still while somebody looks for one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from snapioc.model import SnapshotHeader, StoreError

from ..protocols import Store
from .filters import Filters
from .pages import ROWS, Shows, Unseen, first_row, neighbour, pages_of, require_page
from .refresher import IsLatest, Refresher

PAUSE = 0.5
"""Seconds between two queries that nobody waits for: snapshots that take themselves may come ten times a second."""

RETRY = 5.0
"""Seconds after which a query that failed is tried again."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What one query found; `anchor` is the newest id that the list can have, `newer` counts what came after it."""

    rows: tuple[SnapshotHeader, ...] = ()
    count: int = 0
    page: int = 1
    newer: int = 0
    anchor: int = 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be shown next; `moves`: from the newest on, whatever is being looked at."""

    filters: Filters = Filters()
    page: int = 1
    moves: bool = True


class ListPage:
    """`listed` is whole: all of it is from one query, the last one that succeeded. `fault` says why a later one did not.

    Page 1 follows new snapshots unless `is_selected`. The methods that clients call return True when what they asked for,
    or what was asked after them, is shown; False if the store did not answer.
    """

    def __init__(self, store: Store, is_selected: Callable[[], bool], now: Callable[[], float] = time.time) -> None:
        self._store, self._is_selected, self._now = store, is_selected, now
        self._asked = _Asked()
        self._puts = 0
        self._refresher = Refresher(self._look, PAUSE)
        self.listed = Listed()
        self.fault = self.refusal = ""
        self.view: Shows = Unseen()

    @property
    def filters(self) -> Filters:
        """What was asked for last."""
        return self._asked.filters

    @property
    def message(self) -> str:
        """What a person should know: why the last put was refused, else why the list is old, or empty."""
        is_filtered = not self.listed.count and self.filters != Filters()
        return self.refusal or self.fault or ("No snapshot matches" if is_filtered else "")

    @property
    def pages(self) -> int:
        """How many there are."""
        return pages_of(self.listed.count)

    async def filter(self, **changed: Any) -> bool:
        """Change filters and show the newest that they let pass. Raises Refused for one that cannot be understood."""
        filters = replace(self.filters, **changed)
        filters.check(self._now())
        self._puts += 1
        return await self._show(_Asked(filters))

    async def turn_to(self, page: int) -> bool:
        """Show a page. Raises Refused if there is none of this number."""
        self._puts += 1
        if not await self._still_wanted():
            return not self.fault
        require_page(page, self.listed.count)
        return await self._show(replace(self._asked, page=page))

    async def turn(self, by: int) -> bool:
        """Show the next page (1) or the previous one (-1) of what was put before; at the ends nothing happens."""
        if not await self._still_wanted():
            return not self.fault
        return await self._show(replace(self._asked, page=neighbour(self._asked.page, by, self.listed.count)))

    async def newest(self) -> bool:
        """Show the newest, whatever is being looked at."""
        self._puts += 1
        return await self._show(replace(self._asked, page=1, moves=True))

    async def again(self) -> None:
        """Show what is there now, because somebody waits for it who changed that."""
        await self._refresher.now()

    def soon(self) -> None:
        """The list may be another one now: look at it before long."""
        self._refresher.soon()

    async def refused(self, why: str) -> None:
        """Say why a put was refused, until one is not."""
        self.refusal = why
        await self._refresher.settled()
        await self.view.changed()

    async def close(self) -> None:
        """Show nothing more."""
        await self._refresher.close()

    async def _show(self, asked: _Asked) -> bool:
        self._asked, self.refusal = asked, ""
        await self._refresher.now()
        return not self.fault

    async def _still_wanted(self) -> bool:
        """Return when what was put before is shown; False if another page or filter was put meanwhile: the last one wins."""
        number = self._puts
        await self._refresher.settled()
        return number == self._puts

    async def _look(self, is_latest: IsLatest) -> None:
        try:
            listed = await self._query(self._asked)
        except StoreError as fault:
            self.fault = f"The list is not up to date: {fault}"
            self._refresher.soon(RETRY)
        else:
            if not is_latest():
                return
            self.listed, self.fault = listed, ""
            self._asked = _Asked(self._asked.filters, listed.page, moves=False)
        await self.view.changed()

    async def _query(self, asked: _Asked) -> Listed:
        wanted = asked.filters.wanted(self._now())
        follows = asked.moves or (asked.page == 1 and not self._is_selected())
        upto = None if follows else self.listed.anchor
        if follows and asked.page > 1:
            # The rows of the pages before it have not come since.
            newest = await self._store.find(wanted, limit=1)
            upto = newest.headers[0].id if newest.headers else 0
        page = asked.page
        found = await self._store.find(wanted, upto=upto, offset=first_row(page), limit=ROWS)
        while page > pages_of(found.count):
            # Some were deleted, and with them the page that was looked at.
            page = pages_of(found.count)
            found = await self._store.find(wanted, upto=upto, offset=first_row(page), limit=ROWS)
        if upto is None:
            anchor = found.headers[0].id if found.headers else 0
            return Listed(found.headers, found.count, page, 0, anchor)
        return Listed(found.headers, found.count, page, await self._store.newer(wanted, upto), upto)
