"""History: what one PV held in the newest snapshots that contain it, as columns for a plot."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import numpy as np

from snapioc.model import Reading, Refused, SnapshotHeader, StoreError, name_fault, shown

from ..protocols import Store
from ..wording import WIDTH, short
from .pages import Shows, Unseen
from .refresher import IsLatest, Refresher

WANTED = 100
"""Snapshots that are looked at unless another number is asked for."""

MOST = 1000
"""Snapshots that can be asked for."""

PAUSE = 1.0
"""Seconds between two queries that nobody waits for: each reads the values of many snapshots."""

ELEMENTS = WIDTH
"""Elements of an array that are asked for: a text shows no more characters, and a plot the first number."""

RETRY = 5.0
"""Seconds after which a query that failed is tried again."""


@dataclass(frozen=True, slots=True)
class Past:
    """Columns of one length, the newest first; `times` are Unix times of the snapshots, `values` NaN where is no number."""

    ids: tuple[int, ...] = ()
    times: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    units: str = ""


class History:
    """`past` is that of `pv` as far as the store answered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._refresher = Refresher(self._look, PAUSE)
        self.pv = ""
        self.wanted = WANTED
        self.past = Past()
        self.fault = ""
        self._nothing = ""
        self.refusal = ""
        self.view: Shows = Unseen()

    @property
    def message(self) -> str:
        """What a person should know: why the last put was refused, else why there is nothing, or nothing new."""
        return self.refusal or self.fault or self._nothing

    async def choose(self, pv: str) -> bool:
        """Show this PV, none if it is empty. Raises Refused for what is no PV name; False if the store did not answer."""
        pv = pv.strip()
        fault = name_fault(pv) if pv else None
        if fault:
            raise Refused(fault)
        self.pv = pv
        return await self._show()

    async def want(self, count: int) -> bool:
        """Look at this many snapshots. Raises Refused if these are none or too many."""
        if not 1 <= count <= MOST:
            raise Refused(f"from 1 to {MOST} snapshots can be looked at, not {count}")
        self.wanted = count
        return await self._show()

    def soon(self) -> None:
        """There may be another snapshot: look before long."""
        if self.pv:
            self._refresher.soon()

    async def refused(self, why: str) -> None:
        """Say why a put was refused, until one is not."""
        self.refusal = why
        await self._refresher.settled()
        await self.view.changed()

    async def close(self) -> None:
        """Show nothing more."""
        await self._refresher.close()

    async def _show(self) -> bool:
        self.refusal = ""
        await self._refresher.now()
        return not self.fault

    async def _look(self, is_latest: IsLatest) -> None:
        pv, wanted = self.pv, self.wanted
        try:
            past = await self._past(pv, wanted) if pv else Past()
        except StoreError as fault:
            self.fault = f"The history is not up to date: {fault}"
            self._refresher.soon(RETRY)
        else:
            if not is_latest():
                return
            self.past, self.fault = past, ""
            self._nothing = f"No snapshot contains {pv}" if pv and not past.ids else ""
        await self.view.changed()

    async def _past(self, pv: str, wanted: int) -> Past:
        """In a thread, as texts of long arrays take their time."""
        found = await self._store.history(pv, wanted, elements=ELEMENTS)
        return await asyncio.to_thread(past_of, found)


def past_of(found: list[tuple[SnapshotHeader, Reading]]) -> Past:
    """What was found as columns."""
    readings = [reading for _, reading in found]
    return Past(
        ids=tuple(header.id for header, _ in found),
        times=tuple(header.taken_at for header, _ in found),
        values=tuple(map(number_of, readings)),
        texts=tuple(short(shown(reading)) for reading in readings),
        units=next((reading.metadata.units for reading in readings if reading.metadata.units), ""),
    )


def number_of(reading: Reading) -> float:
    """The value as a number: the index of a state, the first element of an array; NaN for texts and what is missing."""
    value = reading.value
    if isinstance(value, np.ndarray):
        value = value[0].item() if value.size else None
    # NaN is always the same object, so that columns with it can be equal.
    is_number = isinstance(value, int | float) and not math.isnan(value)
    return float(value) if is_number else math.nan  # type: ignore[arg-type]
