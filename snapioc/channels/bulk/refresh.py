"""Refresh: the metadata of many channels, asked anew."""

from __future__ import annotations

import numpy as np

from ..arrivals import Tally
from ..get import Reply
from .asking import Rows
from .chunks import Listing
from .core import Core
from .intake import Intake
from .reader import Reader


class PropertyIntake(Intake):
    """Takes metadata into the table. Of those that are as they were nothing is looked at but their fingerprints."""

    def __init__(self, core: Core, channels: Rows, tally: Tally) -> None:
        super().__init__(core.table, channels, tally)
        self._core = core

    def take_slots(self, rows: Rows, channels: Rows) -> None:
        """Rows of numbers."""
        table, slots = self._table, self._core.property_slots
        types = table.dbr_type[channels]
        prints = slots.fingerprints(channels, types)
        changed = np.flatnonzero(prints != table.fingerprint[channels])
        # Equal metadata are looked at once; what is understood of them depends on the length as well.
        kinds = np.stack([prints[changed], table.element_count[channels[changed]].astype(np.uint64)], axis=1)
        _, first, places = np.unique(kinds, axis=0, return_index=True, return_inverse=True)
        numbers = [
            self._core.descriptions.understand(channel, slots.raw(channel)) for channel in channels[changed[first]].tolist()
        ]
        table.metadata[channels[changed]] = np.array(numbers, np.int32)[places.reshape(-1)]
        table.fingerprint[channels[changed]] = prints[changed]
        self.finish(rows)

    def look(self) -> None:
        """All comes into slots or as replies."""

    def take_replies(self, replies: list[tuple[int, Reply]]) -> None:
        """Rows of enums."""
        for row, reply in replies:
            self._core.descriptions.learn(int(self._channels[row]), reply)
        self.finish(np.array([row for row, _ in replies], np.intp))


async def refresh(core: Core, listing: Listing, timeout: float) -> None:
    """Ask those of the channels for their metadata that have any besides their length."""
    asked = listing.with_properties(core)
    await Reader(core, asked, core.properties, PropertyIntake(core, asked.channels, Tally())).run(timeout)
