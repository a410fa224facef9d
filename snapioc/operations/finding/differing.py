"""DifferencePages: what the last compare of a console found different, page by page."""

from __future__ import annotations

import asyncio

from snapioc.model import Difference

from ..state import GroupState
from ..wording import short
from .pages import ROWS, Shows, Unseen, first_row, neighbour, pages_of, require_page
from .refresher import IsLatest, Refresher


class DifferencePages:
    """`rows` are those of the last compare that has ended; the largest differences come first."""

    def __init__(self, state: GroupState) -> None:
        self._state = state
        self._compared = state.compared
        self._refresher = Refresher(self._render, 0.0)
        self._asked = 1
        self.page = 1
        self.count = 0
        self.rows: tuple[Difference, ...] = ()
        self.view: Shows = Unseen()

    @property
    def pages(self) -> int:
        """How many there are."""
        return pages_of(self.count)

    async def ended(self) -> None:
        """An operation ended: if it was a compare, show its first page."""
        if self._state.compared is not self._compared:
            self._compared, self._asked = self._state.compared, 1
            await self._refresher.now()

    async def turn_to(self, page: int) -> None:
        """Show a page. Raises Refused if there is none of this number."""
        await self._refresher.settled()
        require_page(page, self.count)
        await self._show(page)

    async def turn(self, by: int) -> None:
        """Show the next page (1) or the previous one (-1); at the ends nothing happens."""
        await self._show(neighbour(self._asked, by, self.count))

    async def close(self) -> None:
        """Show nothing more."""
        await self._refresher.close()

    async def _show(self, page: int) -> None:
        self._asked = page
        await self._refresher.now()

    async def _render(self, is_latest: IsLatest) -> None:
        """Make the texts of one page, in a thread: arrays may be long."""
        page, ranked = self._asked, self._compared.ranked
        first = first_row(page)
        rows = await asyncio.to_thread(ranked.page, first, first + ROWS) if ranked else ()
        if is_latest():
            self.page, self.count = page, len(ranked) if ranked else 0
            self.rows = tuple(Difference(row.pv, short(row.stored), short(row.other), row.difference) for row in rows)
            await self.view.changed()
