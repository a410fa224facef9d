"""A machine and a store in memory, for tests of the logic of operations only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from snapioc.model import (
    AFTER_RESTORE,
    AUTOMATIC,
    BEFORE_RESTORE,
    GOLDEN_ID,
    MANUAL,
    AuditEntry,
    ChannelStates,
    DbrType,
    Events,
    Flag,
    HostState,
    Metadata,
    NewRestore,
    NewSnapshot,
    Origin,
    Outcome,
    Outcomes,
    Page,
    PvSet,
    Reading,
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
    Wanted,
    canonical_name,
    count_invalid,
)


@dataclass
class FakePv:
    value: Value = 0.0
    dbr_type: DbrType = DbrType.DOUBLE
    reason: Reason = Reason.OK
    severity: int = 0
    status: int = 0
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
    room: int = 1000
    """Length of its channel `NAME.VAL$`."""


@dataclass
class FakeSubscription:
    """Hears what the test says: see `FakeChannels.happens`."""

    pvs: Sequence[str]
    heard: Callable[[Events], None]
    closed: bool = False

    async def close(self) -> None:
        self.closed = True

    def hear(self, happened: Sequence[tuple[str, FakePv]], seconds: int, nanoseconds: int) -> None:
        """These events at once, as often as the PV is in the list."""
        places = [(row, pv) for name, pv in happened for row, mine in enumerate(self.pvs) if mine == name]
        if self.closed or not places:
            return
        builder = ReadingsBuilder(len(places))
        for place, (_, pv) in enumerate(places):
            if pv.reason is Reason.OK:
                stamps: Any = {"seconds": seconds, "nanoseconds": nanoseconds}
                builder.add(place, pv.dbr_type, pv.value, severity=pv.severity, flags=pv.flags, **stamps)
            else:
                builder.missing(place, pv.reason)
        self.heard(Events(np.array([row for row, _ in places], np.intp), builder.build()))


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
    subscriptions: list[FakeSubscription] = field(default_factory=list)
    """Every one that was ever made."""
    changes: int = 0
    """What `connection_changes` says; `happens` counts it up when a PV comes or goes."""
    servers: tuple[HostState, ...] = ()
    """What `hosts` says."""

    async def subscribe(self, pvs: Sequence[str], heard: Callable[[Events], None]) -> FakeSubscription:
        """What is connected is heard of in the loop's next turn."""
        self._call("subscribe", pvs)
        subscription = FakeSubscription(tuple(pvs), heard)
        self.subscriptions.append(subscription)
        there = [(pv, replace(self._of(pv))) for pv in dict.fromkeys(pvs) if self._of(pv).reason is Reason.OK]
        asyncio.get_running_loop().call_soon(subscription.hear, there, 1, 0)
        return subscription

    async def connection_changes(self) -> int:
        self._call("connection_changes", ())
        return self.changes

    async def hosts(self, pvs: Sequence[str]) -> tuple[HostState, ...]:
        self._call("hosts", pvs)
        return self.servers

    def happens(self, *pvs: str, seconds: int = 1, nanoseconds: int = 0, **changes: Any) -> None:
        """Change these PVs, `happens("A", value=2.0)`, and let all subscriptions hear of it now, in one batch.

        With `reason` they go away, with Reason.OK they are back.
        """
        if "reason" in changes:
            self.changes += 1
        happened = []
        for pv in pvs:
            self.pvs[pv] = replace(self._of(pv), **changes)
            happened.append((pv, self.pvs[pv]))
        for subscription in self.subscriptions:
            subscription.hear(happened, seconds, nanoseconds)

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        self._call("connect", pvs)

    def _call(self, name: str, pvs: Sequence[str]) -> None:
        self.hook(f"{name} DISP" if pvs and pvs[0].endswith(".DISP") else name)

    def _of(self, pv: str) -> FakePv:
        """Its records have a DISP field where the test says so, and all have their texts in full as `NAME.VAL$`."""
        return self.pvs.get(pv.removesuffix(".VAL$")) or FakePv(reason=Reason.NEVER_CONNECTED)

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
            element_count=np.array(
                [of.room if pv.endswith("$") else 1 for pv, of in zip(pvs, known, strict=True)], np.int32
            ),
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
                builder.add(row, pv.dbr_type, pv.value, severity=pv.severity, status=pv.status, flags=pv.flags)
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
    """Called first in `begin_restore`, `end_restore` and `keep_settings` with their names; what it raises is raised."""
    last_id: int = 1000
    happened: dict[int, Events] = field(default_factory=dict)
    """The events of window snapshots."""
    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    """The settings."""
    sets: tuple[str, ...] | None = None
    """The sets whose golden snapshots stay; None: all."""
    unlocked: asyncio.Event | None = None
    """What `keep_settings` waits for, if anything."""
    log: list[AuditEntry] = field(default_factory=list)
    """The audit log, the newest last."""
    untidy: int = 0
    """How many times `tidy` will say that there is more."""

    async def save(self, snapshot: NewSnapshot) -> SnapshotHeader:
        self._fail()
        self.last_id += 1
        number = self.last_id
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
        if snapshot.events is not None:
            self.happened[number] = snapshot.events
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

    async def restore_record(self, restore_id: int) -> RestoreRecord:
        self._fail()
        if restore_id not in self.restores:
            raise StoreError(f"there is no restore {restore_id}")
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

    async def find(self, wanted: Wanted, *, upto: int | None = None, offset: int = 0, limit: int = 20) -> Page:
        found = [header for header in self._found(wanted) if upto is None or header.id <= upto]
        return Page(tuple(found[offset : offset + limit]), len(found))

    async def newer(self, wanted: Wanted, than: int) -> int:
        return sum(header.id > than for header in self._found(wanted))

    async def header(self, snapshot_id: int) -> SnapshotHeader:
        return (await self.load(snapshot_id)).header

    async def events(self, snapshot_id: int) -> Events | None:
        await self.load(snapshot_id)
        return self.happened.get(snapshot_id)

    async def history(
        self, pv: str, limit: int, set_name: str | None = None, elements: int | None = None
    ) -> list[tuple[SnapshotHeader, Reading]]:
        found = self._found(Wanted(kinds=(MANUAL, AUTOMATIC), pv=pv, set_name=set_name or ""))[:limit]
        of = [self.snapshots[header.id] for header in found]
        return [(s.header, s.readings.reading(s.pv_set.canonical.index(canonical_name(pv)))) for s in of]

    async def edit(
        self,
        snapshot_id: int,
        origin: Origin,
        *,
        title: str | None = None,
        comment: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> SnapshotHeader:
        old = (await self.load(snapshot_id)).header
        new = replace(
            old,
            title=old.title if title is None else title,
            comment=old.comment if comment is None else comment,
            tags=old.tags if tags is None else tuple(dict.fromkeys(tags)),
        )
        for what in ("title", "comment", "tags"):
            before, after = getattr(old, what), getattr(new, what)
            if before != after:
                self._note(origin, what, snapshot_id, _line(before), _line(after))
        self.snapshots[snapshot_id] = replace(self.snapshots[snapshot_id], header=new)
        return new

    async def delete(self, snapshot_id: int, origin: Origin) -> None:
        header = (await self.load(snapshot_id)).header
        why = await self._why_it_stays(header)
        if why:
            raise StoreError(f"snapshot {snapshot_id} cannot be deleted: {why}")
        del self.snapshots[snapshot_id]
        self.kept = {key: value for key, value in self.kept.items() if (key[1], value) != (GOLDEN_ID, str(snapshot_id))}
        self._note(origin, "deleted", snapshot_id, f"{header.kind} snapshot of set {header.set_name}", "")

    async def tidy(self) -> bool:
        self._fail()
        self.untidy = max(0, self.untidy - 1)
        return self.untidy > 0

    async def prune(self, set_name: str, *, keep: int | None = None, before: float | None = None) -> int:
        automatic = self._found(Wanted(kinds=(AUTOMATIC,), set_name=set_name))
        old = [] if keep is None else automatic[keep:]
        old += [header for header in automatic if before is not None and header.taken_at < before and header not in old]
        doomed = [h for h in sorted(old, key=lambda h: h.id) if not h.tags and not await self._why_it_stays(h)][:50]
        for header in doomed:
            del self.snapshots[header.id]
        return len(doomed)

    async def settings(self) -> dict[tuple[str, str], str]:
        self._fail()
        return dict(self.kept)

    async def keep_settings(self, changed: Mapping[tuple[str, str], str]) -> None:
        self.hook("keep_settings")
        if self.unlocked:
            await self.unlocked.wait()
        self._fail()
        for (_, name), value in changed.items():
            if name == GOLDEN_ID and value.isdecimal() and int(value):
                await self.load(int(value))
        self.kept |= changed

    def _found(self, wanted: Wanted) -> list[SnapshotHeader]:
        self._fail()
        return [s.header for s in sorted(self.snapshots.values(), key=lambda s: -s.header.id) if _is_wanted(s, wanted)]

    async def _why_it_stays(self, header: SnapshotHeader) -> str:
        for (group, name), value in self.kept.items():
            if name == GOLDEN_ID and value == str(header.id) and (self.sets is None or group in self.sets):
                return f"it is the golden one of set {group}"
        needing = [*(await self.unfinished_restores()), await self.undo_point(header.set_name)]
        for record in needing:
            if record and header.id in (record.new.snapshot_id, record.undo_id, record.after_id):
                return f"restore {record.id} needs it"
        return ""

    def _note(self, origin: Origin, what: str, snapshot_id: int, before: str, after: str) -> None:
        self.log.append(AuditEntry(self._now(), origin, what, f"snapshot {snapshot_id}", before, after))

    async def _save_of(self, snapshot: NewSnapshot | None, kind: str, restored: int) -> int | None:
        return (await self.save(replace(snapshot, kind=kind, restores=restored))).id if snapshot else None

    def _now(self) -> float:
        self.clock += 1
        return self.clock

    def _fail(self) -> None:
        if self.fault:
            raise StoreError(self.fault)


def _line(text: str | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else ", ".join(text)


def _is_wanted(snapshot: Snapshot, wanted: Wanted) -> bool:
    header, title = snapshot.header, wanted.title.casefold()
    is_glob = any(character in title for character in "*?[")
    asked = snapshot.readings.reason != Reason.NOT_ASKED
    pvs = {pv for pv, was_asked in zip(snapshot.pv_set.canonical, asked, strict=True) if was_asked}
    return (
        (not wanted.kinds or header.kind in wanted.kinds)
        and (fnmatchcase(header.title.casefold(), title) if is_glob else title in header.title.casefold())
        and (not wanted.tag or wanted.tag in header.tags)
        and wanted.set_name in ("", header.set_name)
        and (wanted.since is None or header.taken_at >= wanted.since)
        and (wanted.until is None or header.taken_at <= wanted.until)
        and (not wanted.pv or canonical_name(wanted.pv) in pvs)
    )


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
