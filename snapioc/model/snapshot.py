"""Snapshot headers: what the store tells of a snapshot besides its values, and what a save gives it to keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .dbr import Severity
from .events import Events
from .pvset import PvSet
from .readings import Readings

FIRST_ID = 1001
"""The id of the first snapshot, so that a stray 1 restores nothing."""

MANUAL = "manual"
"""The kind of a snapshot made by a group's own TRIGGER."""

GOLDEN_ID = "GOLDEN_ID"
"""The name of the setting that holds the id of a set's golden snapshot; the store never deletes one that is named so."""

AUTOMATIC = "automatic"
"""The kind of a snapshot that took itself (see `operations.repeat`)."""

BEFORE_RESTORE = "before restore"
"""The kind of the snapshot that a restore takes before its first write."""

AFTER_RESTORE = "after restore"
"""The kind of the snapshot of what PVs were left holding by a restore that is not what it wrote."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked, from where, through which group ("" is the console); user and host are what the client claims."""

    user: str = ""
    host: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class NewSnapshot:
    """A snapshot that is to be committed."""

    pv_set: PvSet
    readings: Readings
    kind: str = MANUAL
    title: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()
    origin: Origin = Origin()
    restores: int | None = None
    """Of a snapshot of kind BEFORE_RESTORE: the id that is restored."""
    events: Events | None = None
    """Of a window snapshot: all that its PVs did within the window."""


@dataclass(frozen=True, slots=True)
class SnapshotHeader:
    """All that is known of a stored snapshot without reading its values; `taken_at` is Unix time, `skew` in seconds.

    `total` counts the PVs that were asked for: of a snapshot before a restore only those that were to be written.
    """

    id: int
    set_name: str
    set_digest: str
    kind: str
    taken_at: float
    title: str
    comment: str
    tags: tuple[str, ...]
    origin: Origin
    restores: int | None
    total: int
    ok: int
    invalid: int
    skew: float

    @property
    def missing(self) -> int:
        """How many PVs could not be read."""
        return self.total - self.ok


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stored snapshot with its values: row i of `readings` belongs to `pv_set.pvs[i]`, as it was when it was taken."""

    header: SnapshotHeader
    pv_set: PvSet
    readings: Readings


def count_invalid(readings: Readings) -> int:
    """How many PVs were read with INVALID severity."""
    return int(np.count_nonzero(readings.ok & (readings.severity == Severity.INVALID)))
