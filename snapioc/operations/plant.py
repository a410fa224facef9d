"""Plant: what all groups share. The machine, the store, the sets, the locks, and whether restores are allowed at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from snapioc.model import PvSet, Reason, Refused, SnapError, SnapshotHeader, StoreError

from .locks import PvLocks
from .protocols import Channels, Store
from .state import Policy


@dataclass(frozen=True, slots=True)
class SetSettings:
    """A configured set: its PVs and how its operations are run; times in seconds, `min_complete` a fraction."""

    pv_set: PvSet
    read_timeout: float = 2.0
    min_complete: float = 0.0
    policy: Policy = Policy.STRICT
    verify: bool = True


@dataclass(slots=True)
class Plant:
    """Shared by the groups of one IOC; `watchers` are called when `store_fault`, `newest` or `locks` changed."""

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
    watchers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    async def notify(self) -> None:
        """Tell the watchers that something changed."""
        for watcher in self.watchers:
            await watcher()

    def is_newest(self, header: SnapshotHeader) -> None:
        """Note a snapshot, unless a newer one is known."""
        if self.newest is None or header.id > self.newest.id:
            self.newest = header

    async def store_is(self, fault: StoreError | None) -> None:
        """Note that the store works, or why it does not."""
        text = str(fault) if fault else None
        if text != self.store_fault:
            self.store_fault = text
            await self.notify()

    def set_of(self, name: str) -> SetSettings:
        """The configured set; a snapshot of a set that is configured no more is treated with the defaults."""
        return self.sets.get(name) or SetSettings(PvSet(name, ()), self.read_timeout)

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
        """Raise Refused if RESTORE_ENABLE says Disabled."""
        if not self.restore_enabled:
            raise Refused("restores are disabled (RESTORE_ENABLE)")
