"""SqlStore: the door of this room."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from snapioc.model import AuditEntry, Events, NewSnapshot, Origin, Page, Reading, Snapshot, SnapshotHeader, Wanted

from . import auditing, deletion, editing, event_blocks, finding, headers, probing, settings, snapshots
from .history import history
from .restore_records import RestoreRecords
from .tables import pv_set


class SqlStore(RestoreRecords):
    """Snapshots and restores in a database; implements `operations.protocols.Store`. All methods are for one event loop.

    Each raises StoreError, with a sentence for a person, when the database fails or does not hold what was asked for. After
    a failure all connections are made anew, so that it works again as soon as the cause is gone.
    """

    def __init__(self, url: str, *, sets: Collection[str] | None = None, busy_timeout: float = 5.0) -> None:
        """`sets`: those whose golden snapshots are not deleted, which are the configured ones (default: all).

        A set that is configured no more has no PV to name another one with, and would keep its own for ever.
        """
        super().__init__(url, busy_timeout=busy_timeout)
        self._sets = sets

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

    async def find(self, wanted: Wanted, *, upto: int | None = None, offset: int = 0, limit: int = 20) -> Page:
        """The snapshots that are wanted with ids not above `upto`, newest first, from place `offset` at most `limit`."""
        async with self._using() as database:
            return await finding.find(database, wanted, upto, offset, limit)

    async def newer(self, wanted: Wanted, than: int) -> int:
        """How many of the wanted snapshots have greater ids."""
        async with self._using() as database:
            return await finding.newer(database, wanted, than)

    async def events(self, snapshot_id: int) -> Events | None:
        """What the PVs of a window snapshot did; None if it is none. Rows are those of its set."""
        async with self._using() as database:
            return await event_blocks.load(database, snapshot_id)

    async def history(
        self, pv: str, limit: int, set_name: str | None = None, elements: int | None = None
    ) -> list[tuple[SnapshotHeader, Reading]]:
        """What a PV held in the newest `limit` snapshots that hold it, newest first; restores' own excepted.

        Of one set or of all; it may be in them by any name for the same field. With `elements` only so many of an array,
        from its first on; `count` of the reading still tells how many it had.
        """
        async with self._using() as database:
            return await history(database, pv, limit, set_name, elements)

    async def edit(
        self,
        snapshot_id: int,
        origin: Origin,
        *,
        title: str | None = None,
        comment: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> SnapshotHeader:
        """Change what is said of a snapshot, and write that into the audit log, as one. Raises UnknownSnapshot."""
        texts = {name: text for name, text in (("title", title), ("comment", comment)) if text is not None}
        async with self._using() as database:
            return await editing.edit(database, snapshot_id, origin, texts, tags)

    async def delete(self, snapshot_id: int, origin: Origin) -> None:
        """Delete a snapshot, and write that into the audit log. Its id is never used again; `tidy` gives its space back.

        Raises StoreError if it is golden for one of `sets`, or UNDO of a set, or the recovery of a restore that has not
        ended, would need it.
        """
        async with self._using() as database:
            await deletion.delete_snapshot(database, snapshot_id, origin, self._sets)

    async def tidy(self) -> bool:
        """Give back some of the space of deleted snapshots, in some milliseconds; True if there may be more."""
        async with self._using() as database:
            return await deletion.tidy(database)

    async def prune(self, set_name: str, *, keep: int | None = None, before: float | None = None) -> int:
        """Delete automatic snapshots of a set beyond the newest `keep`, or taken before a Unix time; how many went.

        Those stay that are tagged, golden, or needed by UNDO or a recovery. Some dozens go at a time, the oldest first, so
        ask until it says 0. `tidy` gives their space back.
        """
        async with self._using() as database:
            return await deletion.prune(database, set_name, keep, before)

    async def audit(self, limit: int | None = None, snapshot_id: int | None = None) -> list[AuditEntry]:
        """The newest `limit` entries of the audit log (default: all), newest first; those of one snapshot, or of all."""
        async with self._using() as database, database.read() as connection:
            return await auditing.entries(connection, limit, snapshot_id)

    async def settings(self) -> dict[tuple[str, str], str]:
        """The settings that were kept, by group and name."""
        async with self._using() as database, database.read() as connection:
            return await settings.load(connection)

    async def keep_settings(self, changed: Mapping[tuple[str, str], str]) -> None:
        """Commit these settings. Raises UnknownSnapshot, as one with that, if a GOLDEN_ID names no snapshot."""
        async with self._using() as database, database.write() as connection:
            await settings.keep(connection, changed)

    async def probe(self) -> None:
        """Return if the store can be written now."""
        async with self._using() as database:
            self._file.check_space()
            await probing.write_something(database)
