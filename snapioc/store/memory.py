"""Memory: what was learnt from an opened database and never changes in it, so that a save need not ask again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Metadata, PvSet

VERSIONS = 8
"""Set versions kept: one of 40,000 PVs takes some 20 MB as Python objects."""


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A stored version of a set; row i of its snapshots lies in `slots[i]`."""

    id: int
    set_id: int
    pv_set: PvSet
    slots: NDArray[np.int32]


@dataclass(slots=True)
class Memory:
    """Committed rows only; `packed` is a hint: whether a block is still there is asked again when it is needed."""

    versions: dict[int, Version] = field(default_factory=dict)
    metadatas: dict[int, Metadata] = field(default_factory=dict)
    metadata_ids: dict[bytes, int] = field(default_factory=dict)
    last_metadatas: dict[str, tuple[tuple[Metadata, ...], NDArray[np.int64]]] = field(default_factory=dict)
    """Per set the metadata of its last snapshot and their ids."""
    stored: dict[str, frozenset[bytes]] = field(default_factory=dict)
    """Per set the digests of its last snapshot's blocks."""
    held: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    """Per version a bit for each slot that it holds."""

    def version_of(self, pv_set: PvSet) -> Version | None:
        """The version with the name and digest of this set, None if it is not known."""
        matching = (v for v in self.versions.values() if (v.pv_set.name, v.pv_set.digest) == (pv_set.name, pv_set.digest))
        return next(matching, None)

    def remember(self, version: Version) -> Version:
        """Keep a version, and forget the one that was kept first if they become too many."""
        self.versions[version.id] = version
        if len(self.versions) > VERSIONS:
            del self.versions[next(iter(self.versions))]
        return version
