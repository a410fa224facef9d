"""PVs that only an old snapshot has: their channels are not there yet."""

from __future__ import annotations

from collections.abc import Sequence

from .plant import Plant


def strangers(plant: Plant, pvs: Sequence[str]) -> list[str]:
    """Those of the PVs that no set has any more; all others had their time to connect when the IOC started."""
    sets = [settings.pv_set for settings in plant.sets.values()]
    if any(pv_set.pvs == pvs for pv_set in sets):
        return []
    return sorted(set(pvs).difference(*(pv_set.rows for pv_set in sets)))
