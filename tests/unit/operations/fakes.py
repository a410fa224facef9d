"""A machine and a store in memory, for tests of the logic of operations only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from snapioc.model import (
    BEFORE_RESTORE,
    ChannelStates,
    DbrType,
    Flag,
    NewSnapshot,
    Outcome,
    Readings,
    ReadingsBuilder,
    Reason,
    Snapshot,
    SnapshotHeader,
    StoreError,
    UnknownSnapshot,
    Value,
    count_invalid,
)


@dataclass
class FakePv:
    value: Value = 0.0
    dbr_type: DbrType = DbrType.DOUBLE
    reason: Reason = Reason.OK
    severity: int = 0
    writable: bool = True
    stuck: bool = False
    outcome: Outcome = Outcome.DONE
    flags: Flag = Flag.NONE


@dataclass
class FakeChannels:
    pvs: dict[str, FakePv]
    gate: asyncio.Event | None = None
    """Reads wait for it, if there is one."""
    written: list[str] = field(default_factory=list)
    on_write: Callable[[], None] = lambda: None

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        pass

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        known = [self.pvs[pv] for pv in pvs]
        there = np.array([pv.reason is Reason.OK for pv in known], bool)
        return ChannelStates(
            ever_connected=there,
            connected=there,
            readable=there,
            writable=np.array([pv.writable for pv in known], bool),
            dbr_type=np.array([pv.dbr_type for pv in known], np.uint8),
            element_count=np.ones(len(known), np.int32),
            labels=((),) * len(known),
        )

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        return [pv for pv in pvs if self.pvs[pv].reason is not Reason.OK]

    async def read(self, pvs: Sequence[str], timeout: float, progress: Callable[[int], None] | None = None) -> Readings:
        if self.gate:
            await self.gate.wait()
        builder = ReadingsBuilder(len(pvs))
        for row, name in enumerate(pvs):
            pv = self.pvs[name]
            if pv.reason is Reason.OK:
                builder.add(row, pv.dbr_type, pv.value, severity=pv.severity, flags=pv.flags)
            else:
                builder.missing(row, pv.reason)
        return builder.build(1.0, 1.5)

    async def write(
        self, pvs: Sequence[str], values: Readings, timeout: float, progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        self.on_write()
        for row, name in enumerate(pvs):
            self.written.append(name)
            if self.pvs[name].outcome is Outcome.DONE and not self.pvs[name].stuck:
                self.pvs[name].value = values.value(row)  # type: ignore[assignment]
        return np.array([self.pvs[name].outcome for name in pvs], np.uint8)


@dataclass
class FakeStore:
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    fault: str | None = None

    async def save(self, snapshot: NewSnapshot) -> SnapshotHeader:
        self._fail()
        number = 1001 + len(self.snapshots)
        readings = snapshot.readings
        header = SnapshotHeader(
            id=number,
            set_name=snapshot.pv_set.name,
            set_digest=snapshot.pv_set.digest,
            kind=snapshot.kind,
            taken_at=readings.started,
            title=snapshot.title,
            comment=snapshot.comment,
            tags=snapshot.tags,
            origin=snapshot.origin,
            restores=snapshot.restores,
            total=len(readings),
            ok=int(readings.ok.sum()),
            invalid=count_invalid(readings),
            skew=readings.skew,
        )
        self.snapshots[number] = Snapshot(header, snapshot.pv_set, readings)
        return header

    async def load(self, snapshot_id: int) -> Snapshot:
        self._fail()
        if snapshot_id not in self.snapshots:
            raise UnknownSnapshot(f"there is no snapshot {snapshot_id}")
        return self.snapshots[snapshot_id]

    async def newest(self, *, group: str | None = None) -> SnapshotHeader | None:
        self._fail()
        headers = [s.header for s in self.snapshots.values() if s.header.kind != BEFORE_RESTORE]
        return max((h for h in headers if group is None or h.origin.group == group), key=lambda h: h.id, default=None)

    async def probe(self) -> None:
        self._fail()

    def _fail(self) -> None:
        if self.fault:
            raise StoreError(self.fault)


@dataclass
class FakeView:
    """Keeps what a monitoring client would have seen at each publication."""

    snapshot: Callable[[], tuple[object, ...]]
    seen: list[tuple[object, ...]] = field(default_factory=list)
    ends: int = 0

    async def changed(self) -> None:
        self.seen.append(self.snapshot())

    async def ended(self) -> None:
        self.ends += 1
        self.seen.append(self.snapshot())
