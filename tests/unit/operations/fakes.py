"""A machine and a store in memory, for tests of the logic of operations only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from snapioc.model import (
    AFTER_RESTORE,
    BEFORE_RESTORE,
    ChannelStates,
    DbrType,
    Flag,
    Metadata,
    NewRestore,
    NewSnapshot,
    Outcome,
    Outcomes,
    PvSet,
    Readings,
    ReadingsBuilder,
    Reason,
    RestoreEnd,
    RestoreRecord,
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
    low: float = 0.0
    high: float = 0.0
    stuck: bool = False
    outcome: Outcome = Outcome.DONE
    flags: Flag = Flag.NONE
    busy: float = 0.0
    """Seconds until its put-callback comes."""
    clamps: bool = False
    """Takes `low` or `high` instead of what is beyond."""


@dataclass
class FakeChannels:
    pvs: dict[str, FakePv]
    gate: asyncio.Event | None = None
    """Reads wait for it, if there is one."""
    written: list[str] = field(default_factory=list)
    puts: list[dict[str, Value | None]] = field(default_factory=list)
    """What each write and put_and_wait was given."""
    on_write: Callable[[], None] = lambda: None
    hook: Callable[[str], None] = lambda call: None
    """Called first in each call with its name, `read DISP` if it is about DISP fields; what it raises is raised."""

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        self._call("connect", pvs)

    def _call(self, name: str, pvs: Sequence[str]) -> None:
        self.hook(f"{name} DISP" if pvs and pvs[0].endswith(".DISP") else name)

    def _of(self, pv: str) -> FakePv:
        """Its records have a DISP field where the test says so."""
        return self.pvs.get(pv) or FakePv(reason=Reason.NEVER_CONNECTED)

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        self._call("states", pvs)
        return self._states(pvs)

    def _states(self, pvs: Sequence[str]) -> ChannelStates:
        known = [self._of(pv) for pv in pvs]
        there = np.array([pv.reason is Reason.OK for pv in known], bool)
        return ChannelStates(
            ever_connected=there,
            connected=there,
            readable=there,
            writable=np.array([pv.writable for pv in known], bool),
            dbr_type=np.array([pv.dbr_type for pv in known], np.uint8),
            element_count=np.ones(len(known), np.int32),
            metadata=np.arange(len(known), dtype=np.int32),
            metadatas=[Metadata(limits=(0.0,) * 6 + (pv.high, pv.low)) for pv in known],
        )

    async def refresh(self, pvs: Sequence[str], timeout: float) -> ChannelStates:
        self._call("refresh", pvs)
        return self._states(pvs)

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        self._call("disconnected", pvs)
        return [pv for pv in pvs if self._of(pv).reason is not Reason.OK]

    async def read(self, pvs: Sequence[str], timeout: float, progress: Callable[[int], None] | None = None) -> Readings:
        self._call("read", pvs)
        if self.gate:
            await self.gate.wait()
        builder = ReadingsBuilder(len(pvs))
        for row, name in enumerate(pvs):
            pv = self._of(name)
            if pv.reason is Reason.OK:
                builder.add(row, pv.dbr_type, pv.value, severity=pv.severity, flags=pv.flags)
            else:
                builder.missing(row, pv.reason)
        return builder.build(1.0, 1.5)

    async def write(
        self, pvs: Sequence[str], values: Readings, timeout: float, progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        self._call("write", pvs)
        return await self._put(pvs, values)

    async def _put(self, pvs: Sequence[str], values: Readings) -> np.ndarray:
        self.on_write()
        await asyncio.sleep(0)
        self.puts.append({name: values.value(row) for row, name in enumerate(pvs)})
        for row, name in enumerate(pvs):
            self.written.append(name)
            pv, value = self.pvs[name], values.value(row)
            if pv.outcome is Outcome.DONE and not pv.stuck:
                pv.value = min(max(value, pv.low), pv.high) if pv.clamps else value  # type: ignore[type-var, assignment]
        return np.array([self.pvs[name].outcome for name in pvs], np.uint8)

    async def put_and_wait(
        self,
        pvs: Sequence[str],
        values: Readings,
        timeouts: np.ndarray,
        progress: Callable[[int], None] | None = None,
        outcomes: np.ndarray | None = None,
    ) -> np.ndarray:
        self._call("put_and_wait", pvs)
        outcomes = np.zeros(len(pvs), np.uint8) if outcomes is None else outcomes
        outcomes[:] = Outcome.NOT_SENT
        final = await self._put(pvs, values)
        times = [min(self.pvs[pv].busy, timeout) for pv, timeout in zip(pvs, timeouts.tolist(), strict=True)]
        slept = 0.0
        for done, row in enumerate(sorted(range(len(pvs)), key=times.__getitem__), 1):
            await asyncio.sleep(times[row] - slept)
            slept = times[row]
            late = self.pvs[pvs[row]].busy > times[row]
            outcomes[row] = Outcome.PENDING if late else final[row]
            if progress:
                progress(done)
        return outcomes


@dataclass
class FakeStore:
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    restores: dict[int, RestoreRecord] = field(default_factory=dict)
    outcomes: dict[int, tuple[PvSet, Outcomes]] = field(default_factory=dict)
    fault: str | None = None
    clock: float = 0.0
    """Seconds: each beginning and end of a restore takes one."""
    hook: Callable[[str], None] = lambda call: None
    """Called first in `begin_restore` and `end_restore` with their names; what it raises is raised."""

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
            total=int((readings.reason != Reason.NOT_ASKED).sum()),
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
        headers = [s.header for s in self.snapshots.values() if s.header.kind not in (BEFORE_RESTORE, AFTER_RESTORE)]
        return max((h for h in headers if group is None or h.origin.group == group), key=lambda h: h.id, default=None)

    async def begin_restore(self, new: NewRestore, pv_set: PvSet, before: NewSnapshot | None = None) -> RestoreRecord:
        self.hook("begin_restore")
        await self.load(new.snapshot_id)
        undo_id = await self._save_of(before, BEFORE_RESTORE, new.snapshot_id)
        record = RestoreRecord(len(self.restores) + 1, new, undo_id, self._now())
        self.restores[record.id], self.outcomes[record.id] = record, (pv_set, Outcomes())
        return record

    async def end_restore(self, restore_id: int, end: RestoreEnd, left: NewSnapshot | None = None) -> RestoreRecord:
        self.hook("end_restore")
        self._fail()
        begun = self.restores.get(restore_id)
        if begun is None:
            raise StoreError(f"there is no restore {restore_id}")
        if begun.ended_at is not None:
            raise StoreError(f"restore {restore_id} has ended before: what is recorded of it stays")
        after_id = await self._save_of(left, AFTER_RESTORE, begun.new.snapshot_id)
        ended: dict[str, Any] = {"result": end.result, "message": end.message, "written": end.written, "after_id": after_id}
        self.restores[restore_id] = replace(begun, ended_at=self._now(), **ended)
        self.outcomes[restore_id] = (self.outcomes[restore_id][0], end.outcomes)
        return self.restores[restore_id]

    async def undo_point(self, set_name: str) -> RestoreRecord | None:
        self._fail()
        ended = [r for r in self.restores.values() if r.ended_at is not None and r.written and r.undo_id is not None]
        return max((r for r in ended if r.new.set_name == set_name), key=lambda r: r.id, default=None)

    async def unfinished_restores(self) -> list[RestoreRecord]:
        self._fail()
        return [record for record in reversed(self.restores.values()) if record.ended_at is None]

    async def probe(self) -> None:
        self._fail()

    async def _save_of(self, snapshot: NewSnapshot | None, kind: str, restored: int) -> int | None:
        return (await self.save(replace(snapshot, kind=kind, restores=restored))).id if snapshot else None

    def _now(self) -> float:
        self.clock += 1
        return self.clock

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
