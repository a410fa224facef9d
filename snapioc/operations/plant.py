"""Plant: what all groups share. The machine, the store, the sets, the locks, and whether restores are allowed at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from snapioc.model import Events, PvSet, Readings, Reason, Refused, RestoreRecord, SnapError, SnapshotHeader, StoreError

from .disable import Disabled
from .locks import PvLocks
from .pace import BATCH
from .protocols import Channels, Store
from .records import Records
from .settings import Settings
from .state import Policy, Status
from .ways import Ways, ways_of

TakesWindow = Callable[[Callable[[float], None]], Awaitable[tuple[Readings, Events]]]
"""Returns, when a window is over, what the PVs of a set held at its end, and all their events. Raises SnapError.

It calls what it is given, now and then, with how far the window is, in PVs of the set.
"""


@dataclass(frozen=True, slots=True)
class SetSettings:
    """A configured set: its PVs and how its operations are run; times in seconds, `min_complete` a fraction.

    `rate` (PVs/s, 0: none) and `batch` (PVs) pace what a restore writes, `settle` is the time that its readbacks are given.
    """

    pv_set: PvSet
    read_timeout: float = 2.0
    min_complete: float = 0.0
    policy: Policy = Policy.STRICT
    changed_only: bool = True
    verify: bool = True
    rate: float = 0.0
    batch: int = BATCH
    settle: float = 0.0


@dataclass
class Plant:
    """Shared by the groups of one IOC; `watchers` are called when anything of it changed, `list_watchers` when a snapshot
    came, went, or is described otherwise, `deleted_watchers` with its id when one was deleted; they may raise
    StoreError.

    `remembered`: what the store knows from before is taken over. `recovered`: what became of the restores that the last
    stop of the IOC interrupted is known; no restore is accepted before.
    """

    channels: Channels
    store: Store
    sets: dict[str, SetSettings]
    connect_timeout: float = 5.0
    read_timeout: float = 2.0
    write_timeout: float = 5.0
    restore_enabled: bool = True
    permit_pv: str | None = None
    locks: PvLocks = field(default_factory=PvLocks)
    store_fault: str | None = None
    newest: SnapshotHeader | None = None
    remembered: bool = False
    recovered: bool = True
    undo_points: dict[str, RestoreRecord] = field(default_factory=dict)
    disabled: Disabled = field(init=False)
    records: Records = field(init=False)
    settings: Settings = field(init=False)
    watchers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    list_watchers: list[Callable[[], None]] = field(default_factory=list)
    deleted_watchers: list[Callable[[int], Awaitable[None]]] = field(default_factory=list)
    windows: dict[str, TakesWindow] = field(default_factory=dict)
    """How TRIGGER reads the sets of which it is to make window snapshots now."""

    def __post_init__(self) -> None:
        self.disabled, self.records = Disabled(self.channels), Records(self.store)
        self.settings = Settings(self.store, self.store_is)
        self._ways: dict[str, Ways] = {}

    @property
    def permit_pvs(self) -> tuple[str, ...]:
        """The permit PV, if there is one."""
        return () if self.permit_pv is None else (self.permit_pv,)

    @property
    def resting(self) -> Status:
        """The status of a group in which no operation runs."""
        return Status.IDLE if self.recovered else Status.STARTING

    async def notify(self) -> None:
        """Tell the watchers that something changed."""
        for watcher in self.watchers:
            await watcher()

    def is_newest(self, header: SnapshotHeader) -> None:
        """Note a snapshot, unless a newer one is known."""
        if self.newest is None or header.id > self.newest.id:
            self.newest = header
        self.list_changed()

    async def was_deleted(self, snapshot_id: int) -> None:
        """Name a deleted snapshot no more, and tell those who may."""
        self.list_changed()
        for watcher in (self._forget, *self.deleted_watchers):
            try:
                await watcher(snapshot_id)
            except StoreError as fault:
                await self.store_is(fault)
        await self.notify()

    async def _forget(self, snapshot_id: int) -> None:
        if self.newest and self.newest.id == snapshot_id:
            self.newest = None
            newest = await self.store.newest()
            if newest:
                self.is_newest(newest)

    def list_changed(self) -> None:
        """Tell those who show a list of snapshots that it may be another one now."""
        for watcher in self.list_watchers:
            watcher()

    async def store_is(self, fault: StoreError | None) -> None:
        """Note that the store works, or why it does not."""
        text = str(fault) if fault else None
        if text != self.store_fault:
            self.store_fault = text
            await self.notify()

    def set_of(self, name: str) -> SetSettings:
        """The configured set; a snapshot of a set that is configured no more is treated with the defaults."""
        return self.sets.get(name) or SetSettings(PvSet(name, ()), self.read_timeout)

    def ways_of(self, pv_set: PvSet) -> Ways:
        """How the members of a set version are written."""
        if pv_set.digest not in self._ways:
            self._ways = {pv_set.digest: ways_of(pv_set.members)}  # the next restore is most likely of the same one
        return self._ways[pv_set.digest]

    async def look_at_undo(self, set_name: str) -> None:
        """Note what UNDO of a set would take back now."""
        try:
            point = await self.store.undo_point(set_name)
        except StoreError as fault:
            await self.store_is(fault)
            return
        if point:
            self.undo_points[set_name] = point
        await self.notify()

    async def require_permit(self) -> None:
        """Raise Refused unless restores are enabled and the permit PV, if there is one, reads non-zero."""
        self.require_enabled()
        if self.permit_pv is None:
            return
        try:
            await self.channels.connect([self.permit_pv], self.read_timeout)
            readings = await self.channels.read([self.permit_pv], self.read_timeout)
        except SnapError as fault:
            raise Refused(f"the permit PV {self.permit_pv} could not be read: {fault}") from fault
        reading = readings.reading(0)
        if reading.reason is not Reason.OK:
            raise Refused(f"the permit PV {self.permit_pv} could not be read: {reading.reason.text}")
        if not isinstance(reading.value, int | float) or not reading.value > 0 and not reading.value < 0:
            raise Refused(f"the permit PV {self.permit_pv} reads {reading.value!r}, so restores are not permitted")

    def require_enabled(self) -> None:
        """Raise Refused if RESTORE_ENABLE says Disabled, or it is not known yet what the last stop interrupted."""
        if not self.recovered:
            raise Refused("the IOC is starting: it is not known yet whether its last stop interrupted a restore")
        if not self.restore_enabled:
            raise Refused("restores are disabled (RESTORE_ENABLE)")
