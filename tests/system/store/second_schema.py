"""A store that the program made when its schema was 0002, as an operator's disk may still have it.

`stores/0002.db.xz` was written by commit 3c2e056, which saved the snapshots of `first_schema` one after the other, deleted
the last, restored the first (`ended`), and began to take that back (`unfinished`), which never ended.
"""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np

from snapioc.model import (
    AFTER_RESTORE,
    BEFORE_RESTORE,
    NewRestore,
    NewSnapshot,
    Origin,
    Outcomes,
    PvVerdict,
    RestoreEnd,
)

from . import first_schema

_FILE = Path(__file__).parent / "stores" / "0002.db.xz"

RESTORED = NewRestore(1001, "SR", Origin("ann", "desk", "SR"), "SR:*", "best effort")
UNDOING = NewRestore(1001, "SR", undoes=1)
OUTCOMES = Outcomes(
    np.arange(2, dtype=np.int32), np.array([PvVerdict.RESTORED, PvVerdict.CLAMPED], np.uint8), {1: "holds 10.0"}
)
END = RestoreEnd("partial", "one clamped", 2, OUTCOMES)


def put_at(path: Path) -> None:
    """Put the store at this path."""
    path.write_bytes(lzma.decompress(_FILE.read_bytes()))


def snapshots() -> dict[int, NewSnapshot]:
    """What is in it, by id."""
    known = dict(enumerate(first_schema.snapshots(), 1001))
    del known[first_schema.DELETED_ID]
    kinds = {1007: BEFORE_RESTORE, 1008: AFTER_RESTORE, 1009: BEFORE_RESTORE}
    return known | {number: replace(known[1003], kind=kind) for number, kind in kinds.items()}
