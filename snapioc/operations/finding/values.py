"""ValuePages: the values of the selected snapshot, page by page, with what the machine holds now beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Snapshot

from ..plant import Plant
from .live import Live
from .pages import ROWS, first_row, neighbour, pages_of, require_page
from .value_rows import LiveValue, ValueRow, chosen_rows, value_row

Chosen = NDArray[np.intp]
"""The rows of a snapshot that a filter chooses."""

NONE: Chosen = np.zeros(0, np.intp)


class ValuePages:
    """`rows` are those of one page; `shown` is called when they are others, or the machine holds something else."""

    def __init__(self, plant: Plant, shown: Callable[[], Awaitable[None]]) -> None:
        self._shown = shown
        self._live = Live(plant, shown)
        self._chosen = NONE
        self.snapshot: Snapshot | None = None
        self.page = 1
        self.rows: tuple[ValueRow, ...] = ()

    @property
    def count(self) -> int:
        """How many PVs the filter chooses."""
        return len(self._chosen)

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return pages_of(self.count)

    @property
    def live(self) -> tuple[LiveValue, ...]:
        """What the PVs of the page hold now, as soon as it was read."""
        return self._live.values

    async def show(self, snapshot: Snapshot | None, chosen: Chosen) -> None:
        """Show the first page of a snapshot."""
        self.snapshot, self._chosen = snapshot, chosen
        await self._show_page(1)

    async def turn_to(self, page: int) -> None:
        """Show a page. Raises Refused if there is none of this number."""
        require_page(page, self.count)
        await self._show_page(page)
        await self.read()

    async def turn(self, by: int) -> None:
        """Show the next page (1) or the previous one (-1); at the ends nothing happens."""
        await self.turn_to(neighbour(self.page, by, self.count))

    async def read(self) -> None:
        """Return when the machine was read, or takes too long."""
        await self._live.read()

    async def close(self) -> None:
        """Read no more."""
        await self._live.close()

    async def _show_page(self, page: int) -> None:
        first = first_row(page)
        rows = self._chosen[first : first + ROWS]
        self.page = page
        self.rows = tuple(value_row(self.snapshot, row) for row in rows.tolist()) if self.snapshot else ()
        self._live.look_at(self.snapshot, rows)
        await self._shown()


async def choose(snapshot: Snapshot | None, filter_text: str) -> Chosen:
    """The rows to show; in a thread, with what comparing them will need: 40,000 PVs take some 50 ms."""

    def study(snapshot: Snapshot) -> Chosen:
        _ = snapshot.pv_set.tolerances
        return chosen_rows(snapshot, filter_text)

    return await asyncio.to_thread(study, snapshot) if snapshot else NONE
