"""HIST: what one PV held in the last snapshots, as arrays for a plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snapioc.operations.finding import MOST
from snapioc.operations.finding.history import History

from ..arrays import DoubleArrayPv, LongArrayPv, StringArrayPv
from ..circuit import Put
from ..kinds import LongPv, StringPv, TextPv, WholeTextPv
from ..texts import fit
from .part import PartPvs, post_all

MOST_TEXTS = 400
"""Elements of TEXTS: old clients and gateways stop at 16,384 bytes."""


class HistPvs(PartPvs):
    """The PV, and columns with an element per snapshot, the newest first."""

    part = "HIST"

    pv = WholeTextPv.pv("PV", "The PV, empty: none", handler="put_pv")
    wanted = LongPv.pv("COUNT", "Snapshots to look at, at most", limits=(1, MOST), handler="put_count")
    n = LongPv.pv("N", "Snapshots found", limits=(0, MOST))
    ids = LongArrayPv.pv("IDS", "Their ids, the newest first", elements=MOST)
    times = DoubleArrayPv.pv("TIMES", "When they were taken (Unix time)", elements=MOST, units="s")
    values = DoubleArrayPv.pv("VALUES", "What the PV held, NaN: no number", elements=MOST, precision=6)
    texts = StringArrayPv.pv("TEXTS", "What the PV held, as texts", elements=MOST_TEXTS)
    units = StringPv.pv("UNITS", "Units of the values")
    message = TextPv.pv("MESSAGE", "Why there is nothing (new), or refused")

    @property
    def history(self) -> History:
        """What is shown."""
        return self.browser.history

    async def refused_put(self, why: str) -> None:
        """Say in MESSAGE too why a put was refused."""
        await super().refused_put(why)
        await self.history.refused(why)

    async def put_pv(self, text: str, put: Put) -> bool:
        """Show this PV."""
        return await self.history.choose(text)

    async def put_count(self, count: int, put: Put) -> bool:
        """Look at so many snapshots."""
        return await self.history.want(count)


_SHOWN: Mapping[str, Callable[[History], Any]] = {
    "pv": lambda part: part.pv,
    "wanted": lambda part: part.wanted,
    "times": lambda part: part.past.times,
    "values": lambda part: part.past.values,
    "texts": lambda part: part.past.texts,
    "units": lambda part: part.past.units,
    "message": lambda part: fit(part.message),
    "ids": lambda part: part.past.ids,
    "n": lambda part: len(part.past.ids),
}
"""N comes last: who sees it change can read the rest."""


class HistView:
    """Shows a History."""

    def __init__(self, pvs: HistPvs) -> None:
        self._pvs = pvs

    async def changed(self) -> None:
        """Show all columns."""
        await post_all(self._pvs, _SHOWN, self._pvs.history)
