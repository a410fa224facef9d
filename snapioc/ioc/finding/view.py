"""FindingView: the Browser of one console on its PVs."""

from __future__ import annotations

from typing import Any

from snapioc.operations import Console

from .diff_pvs import DiffPvs, DiffView
from .hist_pvs import HistPvs, HistView
from .list_pvs import ListPvs, ListView
from .part import PartPvs
from .sel_pvs import SelPvs, SelView


class FindingView:
    """Serves and shows all four parts of a console's Browser."""

    def __init__(self, prefix: str, console: Console) -> None:
        self._browser = browser = console.browser
        lists, sel, hist, diff = (
            ListPvs(prefix, console),
            SelPvs(prefix, console),
            HistPvs(prefix, console),
            DiffPvs(prefix, console),
        )
        self.pvdb: dict[str, Any] = _together(lists, sel, hist, diff)
        browser.list.view, browser.selection.view = ListView(lists), SelView(sel)
        browser.history.view, browser.differences.view = HistView(hist), DiffView(diff)

    async def start(self) -> None:
        """Show everything as it is when the server starts, and follow the store from then on."""
        for part in (self._browser.list, self._browser.selection, self._browser.history, self._browser.differences):
            await part.view.changed()
        self._browser.start()

    async def changed(self) -> None:
        """Nothing of a console's own state is shown here."""

    async def ended(self) -> None:
        """Show what a compare found."""
        await self._browser.differences.ended()


def finding_pvs(prefix: str, console: Console) -> dict[str, Any]:
    """The PVs of a console for finding snapshots, none of which does anything."""
    return _together(*(part(prefix, console) for part in (ListPvs, SelPvs, HistPvs, DiffPvs)))


def _together(*parts: PartPvs) -> dict[str, Any]:
    pvs: dict[str, Any] = {}
    for part in parts:
        pvs |= part.all_pvs
    return pvs
