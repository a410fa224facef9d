"""Readings and Events one after the other as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from .events import Events
from .reading import Metadata
from .readings import Readings, offsets_of

_COLUMNS = tuple(
    field.name for field in fields(Readings) if field.name not in ("offsets", "heap", "metadatas", "started", "finished")
)


def joined_readings(parts: Sequence[Readings]) -> Readings:
    """The rows of all parts in their order, equal metadata once. Raises ValueError if there are no parts."""
    if not parts:
        raise ValueError("there is nothing to join")
    if len(parts) == 1:
        return parts[0]
    metadata, metadatas = _metadata(parts)
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    return Readings(
        **(columns | {"metadata": metadata}),
        offsets=offsets_of(np.concatenate([np.diff(part.offsets) for part in parts])),
        heap=b"".join([part.heap for part in parts]),
        metadatas=metadatas,
        started=min(part.started for part in parts),
        finished=max(part.finished for part in parts),
    )


def joined_events(parts: Sequence[Events]) -> Events:
    """The events of all parts in their order. Raises ValueError if there are no parts."""
    rows = np.concatenate([part.rows for part in parts])
    return Events(rows, joined_readings([part.readings for part in parts]))


def _metadata(parts: Sequence[Readings]) -> tuple[NDArray[np.int32], tuple[Metadata, ...]]:
    known: dict[Metadata, int] = {}
    # The parts of one subscription mostly share one tuple, which is then looked through once.
    places: dict[int, NDArray[np.int32]] = {}
    columns = []
    for part in parts:
        if id(part.metadatas) not in places:
            numbers = [known.setdefault(metadata, len(known)) for metadata in part.metadatas]
            places[id(part.metadatas)] = np.array([*numbers, -1], np.int32)  # -1, none known, is its last place
        columns.append(places[id(part.metadatas)][part.metadata])
    return np.concatenate(columns), tuple(known)
