"""The check before a restore: whether each PV is there, writable, and able to take its value. Pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .channel_states import ChannelStates
from .coerce import coerce
from .dbr import DTYPES, DbrType, Reason
from .readings import Readings

_NUMBERS = (DbrType.SHORT, DbrType.FLOAT, DbrType.CHAR, DbrType.LONG, DbrType.DOUBLE)


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """The PVs that pass with their values as the channels take them, and those that fail."""

    rows: NDArray[np.intp]
    """Positions, in the list that was checked, of the PVs that can be written."""
    values: Readings
    """One row for each of `rows`."""
    failures: dict[int, str]
    """Position and reason of each PV that cannot be written."""
    beyond_limits: NDArray[np.intp]
    """Positions of those among `failures` whose number is beyond their control limits."""


def check(
    values: Readings,
    live: ChannelStates,
    disabled: NDArray[np.bool_],
    room: NDArray[np.int32] | None = None,
    unlimited: NDArray[np.bool_] | None = None,
) -> Checked:
    """Check every PV that is to be written; `disabled` tells whose record refuses puts (DISP).

    `room` holds the bytes of text that each has room for (-1: any), `unlimited` tells whose limits are not looked at.
    """
    failures = {}
    for row in np.flatnonzero(~live.connected).tolist():
        failures[row] = (Reason.DISCONNECTED if live.ever_connected[row] else Reason.NEVER_CONNECTED).text
    for row in np.flatnonzero(live.connected & ~live.writable).tolist():
        failures[row] = "no write access"
    for row in np.flatnonzero(live.connected & live.writable & disabled).tolist():
        failures[row] = "its record refuses puts (DISP is 1)"
    reachable = _but(len(values), failures)
    states = live.select(reachable)
    coerced, faults = coerce(values.select(reachable), states)
    if room is not None:
        faults |= _room_faults(coerced, room[reachable], faults)
    limits = _limit_faults(coerced, states, None if unlimited is None else unlimited[reachable], faults)
    faults |= limits
    failures |= {int(reachable[position]): why for position, why in faults.items()}
    good = _but(len(reachable), faults)
    return Checked(reachable[good], coerced.select(good), failures, reachable[sorted(limits)])


def _but(size: int, failed: dict[int, str]) -> NDArray[np.intp]:
    good = np.ones(size, bool)
    good[list(failed)] = False
    return np.flatnonzero(good)


def _room_faults(values: Readings, room: NDArray[np.int32], faults: Container[int]) -> dict[int, str]:
    """Single texts with more bytes than there is room for: records cut them without a word (lsoRecord.c, SIZV)."""
    sizes = np.diff(values.offsets)
    beyond = (room >= 0) & (sizes > room) & (values.dbr_type == DbrType.STRING) & (values.count == 1)
    return {
        row: f"its text of {sizes[row]} bytes does not fit in the {room[row]} that the PV has room for"
        for row in np.flatnonzero(beyond).tolist()
        if row not in faults
    }


def _limit_faults(
    values: Readings, live: ChannelStates, unlimited: NDArray[np.bool_] | None, faults: Container[int]
) -> dict[int, str]:
    """Single numbers beyond the control limits: records take the limit instead, without a word (aoRecord.c, DRVH).

    Of arrays no record limits the elements.
    """
    low, high = live.limits()
    limited = (low < high) & (live.element_count == 1) & (values.count == 1) & np.isin(values.dbr_type, _NUMBERS)
    if unlimited is not None:
        limited &= ~unlimited
    numbers = single_numbers(values)
    with np.errstate(invalid="ignore"):
        beyond = limited & ((numbers < low) | (numbers > high))
    return {
        row: f"{numbers[row]:.15g} is beyond the control limits {low[row]:.15g} to {high[row]:.15g}"
        for row in np.flatnonzero(beyond).tolist()
        if row not in faults
    }


def single_numbers(values: Readings) -> NDArray[np.float64]:
    """The value of each row that holds a single number, as a double; NaN for all others."""
    numbers = np.full(len(values), np.nan)
    for dbr_type in map(DbrType, np.unique(values.dbr_type[values.ok]).tolist()):
        if dbr_type is not DbrType.STRING:
            rows = np.flatnonzero(values.ok & (values.dbr_type == dbr_type) & (values.count == 1))
            size = DTYPES[dbr_type].itemsize
            raw = values.bits[rows].view(np.uint8).reshape(-1, 8)[:, :size].copy()
            with np.errstate(invalid="ignore"):
                numbers[rows] = raw.view(DTYPES[dbr_type])[:, 0]
    return numbers
