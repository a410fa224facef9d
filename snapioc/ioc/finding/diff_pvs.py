"""DIFF: what the console's last compare found different."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snapioc.model import Difference
from snapioc.operations.finding.differing import DifferencePages

from ..circuit import Put
from ..kinds import BinaryPv, LongPv, TextPv
from ..snap_pv import SnapGroup
from .part import FROM_ONE, NOT_BELOW_ZERO, PartPvs, post_all, post_rows


class DiffRowPvs(SnapGroup):
    """One PV that differs."""

    pv = TextPv.pv("PV", "Name of the PV")
    stored = TextPv.pv("STORED", "What was stored")
    other = TextPv.pv("OTHER", "What the other side holds")
    delta = TextPv.pv("DELTA", "By how much they differ")


class DiffPvs(PartPvs):
    """What page of the differences is shown."""

    part = "DIFF"
    row = DiffRowPvs

    count = LongPv.pv("COUNT", "PVs that differ", limits=NOT_BELOW_ZERO)
    page = LongPv.pv("PAGE", "The page shown, from 1", limits=FROM_ONE, handler="put_page")
    pages = LongPv.pv("PAGES", "How many pages there are", limits=FROM_ONE)
    next = BinaryPv.pv("NEXT", "Smaller differences", labels=("Idle", "Next"), handler="put_next")
    prev = BinaryPv.pv("PREV", "Larger differences", labels=("Idle", "Previous"), handler="put_prev")

    @property
    def differences(self) -> DifferencePages:
        """What is shown."""
        return self.browser.differences

    async def put_page(self, page: int, put: Put) -> None:
        """Show a page."""
        await self.differences.turn_to(page)

    async def put_next(self, wanted: int, put: Put) -> None:
        """Show the next page, unless a button was released."""
        if wanted:
            await self.differences.turn(1)

    async def put_prev(self, wanted: int, put: Put) -> None:
        """Show the previous page, unless a button was released."""
        if wanted:
            await self.differences.turn(-1)


_SHOWN: Mapping[str, Callable[[DifferencePages], Any]] = {
    "count": lambda part: part.count,
    "pages": lambda part: part.pages,
    "page": lambda part: part.page,
}

_ROW: Mapping[str, Callable[[Difference], Any]] = {
    "stored": lambda difference: difference.stored,
    "other": lambda difference: difference.other,
    "delta": lambda difference: difference.difference,
    "pv": lambda difference: difference.pv,
}

_EMPTY = Difference("", "", "", "")


class DiffView:
    """Shows DifferencePages."""

    def __init__(self, pvs: DiffPvs) -> None:
        self._pvs = pvs

    async def changed(self) -> None:
        """Show rows, and what page they are."""
        part = self._pvs.differences
        await post_rows(self._pvs.rows, part.rows, _post_row)
        await post_all(self._pvs, _SHOWN, part)


async def _post_row(row: SnapGroup, difference: Difference | None) -> None:
    await post_all(row, _ROW, difference or _EMPTY)
