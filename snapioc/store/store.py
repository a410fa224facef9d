"""SqlStore: the door of this room."""

from __future__ import annotations

from snapioc.model import (
    NewRestore,
    NewSnapshot,
    Outcomes,
    PvSet,
    Reading,
    RestoreEnd,
    RestoreRecord,
    Snapshot,
    SnapshotHeader,
)

from . import deletion, headers, probing, restores, snapshots
from .history import history
from .opening import Opening
from .tables import pv_set


class SqlStore(Opening):
    """Snapshots and restores in a database; implements `operations.protocols.Store`. All methods are for one event loop.

    Each raises StoreError, with a sentence for a person, when the database fails or does not hold what was asked for. After
    a failure all connections are made anew, so that it works again as soon as the cause is gone.
    """

    async def save(self, snapshot: NewSnapshot) -> SnapshotHeader:
        """Commit a snapshot durably; it is there, whole, when this returns."""
        async with self._using() as database:
            return await snapshots.save(database, snapshot)

    async def load(self, snapshot_id: int) -> Snapshot:
        """The snapshot with its values."""
        async with self._using() as database:
            return await snapshots.load(database, snapshot_id)

    async def newest(self, *, group: str | None = None) -> SnapshotHeader | None:
        """The newest snapshot of any set, those of restores excepted; with `group` the newest of its own TRIGGER."""
        async with self._using() as database, database.read() as connection:
            wanted = headers.NOT_UNDO if group is None else headers.made_by(group)
            return next(iter(await headers.find(connection, wanted, limit=1)), None)

    async def header(self, snapshot_id: int) -> SnapshotHeader:
        """What is known of a snapshot besides its values."""
        async with self._using() as database, database.read() as connection:
            return await headers.one(connection, snapshot_id)

    async def headers(
        self, *, limit: int | None = None, set_name: str | None = None, undo: bool = False
    ) -> list[SnapshotHeader]:
        """The newest `limit` snapshots (default: all), of one set or of all, newest first; those of restores with `undo`."""
        async with self._using() as database, database.read() as connection:
            conditions = [] if set_name is None else [pv_set.c.name == set_name]
            conditions += [] if undo else [headers.NOT_UNDO]
            return await headers.find(connection, *conditions, limit=limit)

    async def history(self, set_name: str, pv: str, limit: int) -> list[tuple[SnapshotHeader, Reading]]:
        """What a PV held in the newest `limit` snapshots of a set that contain it, newest first; restores' own excepted."""
        async with self._using() as database:
            return await history(database, set_name, pv, limit)

    async def delete(self, snapshot_id: int) -> None:
        """Delete a snapshot, and give back the space that only it used. Its id is never used again.

        Raises StoreError if UNDO of a set, or the recovery of a restore that has not ended, would need it.
        """
        async with self._using() as database:
            await deletion.delete_snapshot(database, snapshot_id)

    async def begin_restore(self, new: NewRestore, pv_set: PvSet, before: NewSnapshot | None = None) -> RestoreRecord:
        """Commit durably, as one, the record of a restore that begins, and the snapshot that is its way back.

        `pv_set` is that of the restored snapshot. `before` becomes a snapshot of kind BEFORE_RESTORE. Raises StoreError if
        the restored snapshot is not there (any more).
        """
        async with self._using() as database:
            return await restores.begin(database, new, pv_set, before)

    async def end_restore(self, restore_id: int, end: RestoreEnd, left: NewSnapshot | None = None) -> RestoreRecord:
        """Commit durably, as one, how a restore ended and what it left (see RestoreRecord.after_id).

        `left` becomes a snapshot of kind AFTER_RESTORE. Raises StoreError if the restore has ended before.
        """
        async with self._using() as database:
            return await restores.end(database, restore_id, end, left)

    async def restore_record(self, restore_id: int) -> RestoreRecord:
        """What is known of a restore besides its outcomes."""
        async with self._using() as database, database.read() as connection:
            return await restores.one(connection, restore_id)

    async def outcomes(self, restore_id: int) -> tuple[RestoreRecord, PvSet, Outcomes]:
        """A restore with the set whose rows its outcomes name; an unfinished one has none."""
        async with self._using() as database:
            return await restores.outcomes(database, restore_id)

    async def restores(self, *, limit: int | None = None, set_name: str | None = None) -> list[RestoreRecord]:
        """The newest `limit` restores (default: all), of one set or of all, newest first."""
        async with self._using() as database, database.read() as connection:
            conditions = [] if set_name is None else [pv_set.c.name == set_name]
            return await restores.find(connection, *conditions, limit=limit)

    async def undo_point(self, set_name: str) -> RestoreRecord | None:
        """The restore of this set that UNDO takes back: the newest that has ended, wrote, and has a way back."""
        async with self._using() as database, database.read() as connection:
            return await restores.undo_point(connection, set_name)

    async def unfinished_restores(self) -> list[RestoreRecord]:
        """The restores that run, or were interrupted and not ended since, newest first."""
        async with self._using() as database, database.read() as connection:
            return await restores.find(connection, restores.UNFINISHED)

    async def probe(self) -> None:
        """Return if the store can be written now."""
        async with self._using() as database:
            self._file.check_space()
            await probing.write_something(database)
