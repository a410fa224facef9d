"""Snapshots made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snapioc.model import (
    MANUAL,
    DbrType,
    Flag,
    Member,
    Metadata,
    Origin,
    PvSet,
    Readings,
    ReadingsBuilder,
    Reason,
    Snapshot,
    SnapshotHeader,
    Value,
    count_invalid,
)


@dataclass(frozen=True)
class Row:
    value: Value | None = 0.0
    dbr_type: DbrType = DbrType.DOUBLE
    severity: int = 0
    seconds: int = 0
    nanoseconds: int = 0
    flags: Flag = Flag.NONE
    metadata: Metadata = field(default_factory=Metadata)


def readings_of(*rows: Row | Reason) -> Readings:
    builder = ReadingsBuilder(len(rows))
    for number, row in enumerate(rows):
        if isinstance(row, Reason):
            builder.missing(number, row)
        else:
            assert row.value is not None
            builder.add(
                number,
                row.dbr_type,
                row.value,
                seconds=row.seconds,
                nanoseconds=row.nanoseconds,
                severity=row.severity,
                flags=row.flags,
                metadata=row.metadata,
            )
    return builder.build()


def snapshot_of(
    rows: Mapping[str, Row | Reason], members: tuple[Member, ...] | None = None, snapshot_id: int = 1001
) -> Snapshot:
    pv_set = PvSet("S", members or tuple(Member(pv) for pv in rows))
    readings = readings_of(*(rows[pv] for pv in pv_set.pvs))
    ok = int(readings.ok.sum())
    header = SnapshotHeader(
        id=snapshot_id,
        set_name=pv_set.name,
        set_digest=pv_set.digest,
        kind=MANUAL,
        taken_at=1.75e9,
        title="",
        comment="",
        tags=(),
        origin=Origin("ann", "desk"),
        restores=None,
        total=len(readings),
        ok=ok,
        invalid=count_invalid(readings),
        skew=0.01,
    )
    return Snapshot(header, pv_set, readings)
