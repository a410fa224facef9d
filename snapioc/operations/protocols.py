"""The two doors of this room: what a save or restore needs of the CA client and of the store, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from snapioc.model import (
    ChannelStates,
    Events,
    HostState,
    NewRestore,
    NewSnapshot,
    Origin,
    Page,
    PvSet,
    Reading,
    Readings,
    RestoreEnd,
    RestoreRecord,
    Snapshot,
    SnapshotHeader,
    Wanted,
)

__all__ = ["Channels", "Heard", "HostState", "Progress", "Store", "Subscription"]

Progress = Callable[[int], None]
"""Called on the main event loop, now and then, with how many PVs are done so far."""

Heard = Callable[[Events], None]
"""Called on the main event loop with what was heard since the last call; `rows` are places in the list subscribed to."""


class Subscription(Protocol):
    """Events that keep coming until it is closed."""

    async def close(self) -> None:
        """End it; nothing is heard any more when this returns."""


class Channels(Protocol):
    """The CA client. Awaited on the main event loop; the work is done in the CA thread.

    None of these raises for what a PV or server does: that is data. They raise SnapError if the CA thread itself does not
    answer within its deadline.
    """

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        """Make channels for all PVs, and wait until all are connected or `timeout` seconds are over."""

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        """What is known of the channels now, without asking the machine."""

    async def refresh(self, pvs: Sequence[str], timeout: float) -> ChannelStates:
        """The same after the machine was asked for labels and limits anew; ends like `read`."""

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        """Those of the PVs that are not connected now, in their order."""

    async def read(self, pvs: Sequence[str], timeout: float, progress: Progress | None = None) -> Readings:
        """Read all PVs at once: ends when all is there, or nothing more has arrived for `timeout` seconds."""

    async def write(
        self, pvs: Sequence[str], values: Readings, timeout: float, progress: Progress | None = None
    ) -> NDArray[np.uint8]:
        """Write all PVs at once; an Outcome per PV. `values` are of the channels' own types (see `model.check`)."""

    async def put_and_wait(
        self,
        pvs: Sequence[str],
        values: Readings,
        timeouts: NDArray[np.float64],
        progress: Progress | None = None,
        outcomes: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """Write all PVs, and wait until their records are done, each for its own seconds; an Outcome per PV.

        `outcomes`, if given, is filled as they come (NOT_SENT: none so far, sent or not), and returned. Cancelled, it waits
        no more; what was sent stays sent.
        """

    async def subscribe(self, pvs: Sequence[str], heard: Heard) -> Subscription:
        """Hear of every change of value or alarm of these PVs, first of what they hold now, as they connect.

        Within 50 ms of the event's arrival; none is left out or out of order as far as the server sends it. That a PV went
        is an event too.
        """

    async def connection_changes(self) -> int:
        """A number that grows whenever a channel has connected or gone, or a server hangs or answers again.

        Equal numbers mean that nothing has happened. It costs nothing to ask.
        """

    async def hosts(self, pvs: Sequence[str]) -> tuple[HostState, ...]:
        """The servers that have or had one of these PVs, by name."""


class Store(Protocol):
    """Where snapshots and restores are kept. Each method raises StoreError, with a sentence for a person, when it fails."""

    async def save(self, snapshot: NewSnapshot) -> SnapshotHeader:
        """Commit a snapshot durably; it is there, whole, when this returns."""

    async def load(self, snapshot_id: int) -> Snapshot:
        """The snapshot with its values. Raises StoreError if there is none with this id."""

    async def newest(self, *, group: str | None = None) -> SnapshotHeader | None:
        """The newest snapshot of any set, those of restores excepted; with `group` the newest that its own TRIGGER made."""

    async def begin_restore(self, new: NewRestore, pv_set: PvSet, before: NewSnapshot | None = None) -> RestoreRecord:
        """Commit durably, as one, the record of a restore and the values before it; both are there when this returns.

        `pv_set` is that of the restored snapshot. `before` becomes a snapshot of kind BEFORE_RESTORE, and `undo_id` of the
        record. Raises StoreError also if the restored snapshot was deleted meanwhile.
        """

    async def end_restore(self, restore_id: int, end: RestoreEnd, left: NewSnapshot | None = None) -> RestoreRecord:
        """Commit durably, as one, how a restore ended and what it left, which becomes `after_id` of the record.

        `left` becomes a snapshot of kind AFTER_RESTORE (see RestoreRecord). Raises StoreError also if the restore has ended
        before.
        """

    async def restore_record(self, restore_id: int) -> RestoreRecord:
        """What is known of a restore besides its outcomes. Raises StoreError if there is none."""

    async def undo_point(self, set_name: str) -> RestoreRecord | None:
        """The newest restore of the set that has ended, wrote (or may have written) a PV, and has a way back."""

    async def unfinished_restores(self) -> list[RestoreRecord]:
        """The restores that have begun and not ended, newest first: after a start those that a kill interrupted."""

    async def probe(self) -> None:
        """Return if the store can be written now; raises StoreError saying why not."""

    async def find(self, wanted: Wanted, *, upto: int | None = None, offset: int = 0, limit: int = 20) -> Page:
        """The snapshots that are wanted with ids not above `upto`, newest first, from place `offset` at most `limit`."""

    async def newer(self, wanted: Wanted, than: int) -> int:
        """How many of the wanted snapshots have greater ids."""

    async def header(self, snapshot_id: int) -> SnapshotHeader:
        """What is known of a snapshot besides its values. Raises UnknownSnapshot."""

    async def events(self, snapshot_id: int) -> Events | None:
        """What the PVs of a window snapshot did; None if it is none. Rows are those of its set."""

    async def history(
        self, pv: str, limit: int, set_name: str | None = None, elements: int | None = None
    ) -> list[tuple[SnapshotHeader, Reading]]:
        """What a PV held in the newest `limit` snapshots that contain it, newest first; of one set or of all.

        With `elements` only so many of an array, from its first on; `count` of the reading still tells how many it had.
        """

    async def edit(
        self,
        snapshot_id: int,
        origin: Origin,
        *,
        title: str | None = None,
        comment: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> SnapshotHeader:
        """Change what is said of a snapshot, and write that into the audit log, as one."""

    async def delete(self, snapshot_id: int, origin: Origin) -> None:
        """Delete a snapshot, and write that into the audit log; its space is given back by `tidy`.

        Raises StoreError if it is golden for a configured set, or UNDO or a recovery needs it.
        """

    async def tidy(self) -> bool:
        """Give back some of the space of deleted snapshots, in some milliseconds; True if there is more to be given back."""

    async def prune(self, set_name: str, *, keep: int | None = None, before: float | None = None) -> int:
        """Delete automatic snapshots of a set beyond the newest `keep`, or taken before a Unix time; how many went.

        Tagged and golden ones stay. At most some dozens go at a time, so ask until it says 0.
        """

    async def settings(self) -> Mapping[tuple[str, str], str]:
        """The settings that were kept, by group and name."""

    async def keep_settings(self, changed: Mapping[tuple[str, str], str]) -> None:
        """Commit these settings. Raises UnknownSnapshot, and commits none, if a GOLDEN_ID names no snapshot.

        What it has committed `delete` and `prune` obey.
        """
