"""Browser: all that one console shows of the store. Browsers share nothing, so that two people do not disturb each other."""

from __future__ import annotations

from ..plant import Plant
from ..state import GroupState
from .differing import DifferencePages
from .history import History
from .listing import ListPage
from .selection import Selection


class Browser:
    """The list, the selected snapshot, the history of a PV, and the differences of the last compare of one console."""

    def __init__(self, plant: Plant, state: GroupState) -> None:
        self._plant = plant
        self.selection = Selection(plant, self._selected)
        self.list = ListPage(plant.store, lambda: bool(self.selection.id))
        self.history = History(plant.store)
        self.differences = DifferencePages(state)

    def start(self) -> None:
        """Show the list, and follow what becomes of the store from now on."""
        self._plant.list_watchers += [self.list.soon, self.selection.soon, self.history.soon]
        self.list.soon()

    async def close(self) -> None:
        """Show nothing more."""
        for part in (self.list, self.selection, self.history, self.differences):
            await part.close()

    async def _selected(self) -> None:
        """Nobody looks at a snapshot any more: the list may move again."""
        if not self.selection.id:
            await self.list.again()
