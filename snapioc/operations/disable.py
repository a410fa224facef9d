"""DISP: the field with which a record refuses all puts (dbAccess.c). Access rights do not show it, and a put that it
refuses fails without a word unless one waits for its callback.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snapioc.model import single_numbers

from .protocols import Channels, Progress

PATIENCE = 1.0
"""Seconds without a new connection after which a server counts as one whose PVs have no such field."""


class Disabled:
    """Asks the records of PVs whether they refuse puts. What has once been waited for in vain is not waited for again."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._fields: dict[tuple[str, ...], tuple[tuple[str, ...], NDArray[np.intp]]] = {}
        self._waited_for: set[str] = set()

    async def look(self, pvs: Sequence[str], timeout: float, progress: Progress | None = None) -> NDArray[np.bool_]:
        """For each PV whether its record refuses puts now; those that cannot be asked do not refuse."""
        fields, places = self._fields_of(tuple(pvs))
        await self._connect(fields)
        answers = single_numbers(await self._channels.read(fields, timeout, progress))
        refuses: NDArray[np.bool_] = (answers != 0) & ~np.isnan(answers)
        return np.append(refuses, False)[places]

    def _fields_of(self, pvs: tuple[str, ...]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
        """The DISP fields of all records, each once, and where each PV's is; -1: puts to DISP itself are never refused."""
        if pvs not in self._fields:
            numbers: dict[str, int] = {}
            places = [-1 if _is_disp(pv) else numbers.setdefault(disp_of(pv), len(numbers)) for pv in pvs]
            self._fields = {pvs: (tuple(numbers), np.array(places, np.intp))}  # a machine is restored the same way again
        return self._fields[pvs]

    async def _connect(self, fields: Sequence[str]) -> None:
        new = missing = [field for field in fields if field not in self._waited_for]
        while missing:
            await self._channels.connect(missing, PATIENCE)
            still = await self._channels.disconnected(missing)
            if len(still) == len(missing):
                break
            missing = still
        self._waited_for |= set(new)  # not if ABORT has cut it short


def disp_of(pv: str) -> str:
    """The DISP field of the record that a PV is a field of."""
    return f"{pv.partition('.')[0]}.DISP"


def _is_disp(pv: str) -> bool:
    return pv.partition(".")[2] == "DISP"
