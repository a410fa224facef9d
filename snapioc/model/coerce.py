"""Coercion of stored values to the types the channels have now, so that one bad value cannot spoil a batch of puts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .channel_states import ChannelStates
from .dbr import DTYPES, DbrType
from .enum_states import existing, index_now
from .reading import Metadata
from .readings import Readings
from .readings_builder import ReadingsBuilder


def coerce(stored: Readings, live: ChannelStates) -> tuple[Readings, dict[int, str]]:
    """The stored values as the live channels take them, and for each row that has no such value the reason.

    A number becomes another numeric type only if that holds it exactly, and a state only if there is one of this index. An
    enum is written by its label (see `index_now`). Texts and numbers never become each other. Rows must be there
    (`stored.ok`).
    """
    faults: dict[int, str] = {}
    changed: dict[int, int] = {}
    builder = ReadingsBuilder(len(stored))
    for row in np.flatnonzero(~_fits_as_it_is(stored, live)).tolist():
        try:
            builder.add(
                row, DbrType(live.dbr_type[row]), _converted(stored, live, row), metadata=_metadata(stored, live, row)
            )
            changed[row] = row
        except ValueError as fault:
            faults[row] = str(fault)
    return (stored.replace_rows(list(changed), builder.build()) if changed else stored), faults


def _fits_as_it_is(stored: Readings, live: ChannelStates) -> NDArray[np.bool_]:
    fits: NDArray[np.bool_] = (stored.dbr_type == live.dbr_type) & (stored.count <= live.element_count)
    enums = np.flatnonzero(fits & (stored.dbr_type == DbrType.ENUM))
    pairs = np.stack([stored.metadata[enums], live.metadata[enums]], axis=1)
    # The labels are looked at once for all rows that have the same ones.
    _, first, places = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    same = [live.labels(row) in ((), _labels(stored, row)) for row in enums[first].tolist()]
    fits[enums] = np.array(same, bool)[places.reshape(-1)]
    return fits


def _labels(stored: Readings, row: int) -> tuple[str, ...]:
    return _known(stored, row).labels


def _known(stored: Readings, row: int) -> Metadata:
    index = stored.metadata[row]
    return stored.metadatas[index] if index >= 0 else Metadata()


def _metadata(stored: Readings, live: ChannelStates, row: int) -> Metadata:
    # A converted enum index is one of the live labels: with the stored ones it would name another state.
    return replace(_known(stored, row), labels=live.labels(row) or ())


def _converted(stored: Readings, live: ChannelStates, row: int) -> NDArray[np.generic]:
    old, new = DbrType(stored.dbr_type[row]), DbrType(live.dbr_type[row])
    count, room = int(stored.count[row]), int(live.element_count[row])
    if count > room:
        raise ValueError(f"{count} elements do not fit in the {room} that the PV has now")
    if (old is DbrType.STRING) != (new is DbrType.STRING):
        raise ValueError(f"stored as {old.name}, but the PV is {new.name} now")
    numbers = np.atleast_1d(np.asarray(stored.value(row)))
    if old is DbrType.ENUM and new is DbrType.ENUM:
        return np.array([index_now(i, _labels(stored, row), live.labels(row)) for i in numbers.tolist()], "<u2")
    with np.errstate(all="ignore"):
        converted = numbers.astype(DTYPES[new])
        back = converted.astype(numbers.dtype)
    exact = (back == numbers) | ((back != back) & (numbers != numbers))
    if new not in (DbrType.FLOAT, DbrType.DOUBLE):
        exact &= np.isfinite(numbers.astype(np.float64)) & (converted.astype(np.float64) == numbers)
    if not exact.all():
        wrong = numbers[~exact][0]
        raise ValueError(f"stored as {old.name}, and {wrong} is no {new.name}, which the PV is now")
    if new is DbrType.ENUM:
        for index in converted.tolist():
            existing(index, live.labels(row))
    return converted
