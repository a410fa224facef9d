"""A store that the program made when its schema was 0001, as an operator's disk may still have it.

`stores/0001.db.xz` was written by commit 63a43ee, which saved `snapshots()` one after the other and deleted the last.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np

from snapioc.model import BEFORE_RESTORE, DbrType, Member, Metadata, NewSnapshot, Origin, PvSet, ReadingsBuilder, Reason

DELETED_ID = 1006
_FILE = Path(__file__).parent / "stores" / "0001.db.xz"
_OLD = PvSet("SR", tuple(Member(pv) for pv in ("SR:QF1", "SR:NOTE", "SR:WAVE", "SR:DEAD", "SR:MODE")))
_NEW = PvSet("SR", (Member("SR:QD1", readback="SR:QD1:RB", abs_tol=0.5, tags=("quad",)), *_OLD.members[:3]))


def put_at(path: Path) -> None:
    """Put the store at this path."""
    path.write_bytes(lzma.decompress(_FILE.read_bytes()))


def snapshots() -> list[NewSnapshot]:
    """What is in it, from 1001 on, and the one that was deleted from it."""
    ann = Origin("ann", "desk", "SR")
    return [
        _snapshot(_OLD, 1, title="golden", comment="two\nlines", tags=("golden", "Ünicode"), origin=ann),
        _snapshot(_NEW, 2, origin=ann),
        _snapshot(_OLD, 3, kind=BEFORE_RESTORE, restores=1001),
        _snapshot(_NEW, 2, title="nothing new", tags=("golden",)),
        _snapshot(PvSet("RF", (Member("RF:AMP"),)), 4),
        _snapshot(_OLD, 5, title="to be deleted"),
    ]


def _snapshot(pv_set: PvSet, seed: int, **more: object) -> NewSnapshot:
    builder = ReadingsBuilder(len(pv_set.pvs))
    for row, pv in enumerate(pv_set.pvs):
        if pv.endswith("NOTE"):
            builder.add(row, DbrType.STRING, f"note {seed}".encode() + b"\xff" * 60)
        elif pv.endswith("WAVE"):
            builder.add(row, DbrType.DOUBLE, np.arange(50.0) * seed)
        elif pv.endswith("DEAD"):
            builder.missing(row, Reason.DISCONNECTED)
        elif pv.endswith("MODE"):
            builder.add(row, DbrType.ENUM, seed % 2, metadata=Metadata(labels=("Off", "On")))
        else:
            builder.add(row, DbrType.DOUBLE, seed / 3, seconds=seed, severity=seed % 4, metadata=Metadata(units="A"))
    return NewSnapshot(pv_set, builder.build(float(seed), seed + 0.5), **more)  # type: ignore[arg-type]
