"""RestoreRecords: the part of the store's door that restores go through."""

from __future__ import annotations

from snapioc.model import NewRestore, NewSnapshot, Outcomes, PvSet, RestoreEnd, RestoreRecord

from . import restores
from .opening import Opening
from .tables import pv_set


class RestoreRecords(Opening):
    """What SqlStore knows of restores."""

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
