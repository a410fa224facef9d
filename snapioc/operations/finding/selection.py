"""Selection: one snapshot that somebody looks at, edits or deletes, with a page of its values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from snapioc.model import GOLDEN_ID, Origin, Refused, Snapshot, SnapshotHeader, StoreError, UnknownSnapshot

from ..plant import Plant
from .pages import Shows, Unseen
from .refresher import IsLatest, Refresher
from .values import NONE, Chosen, ValuePages, choose

PAUSE = 0.5
"""Seconds between two looks whether the snapshot is still there, and still described as it was."""


class Selection:
    """The snapshot is loaded once and kept while it is selected; its values never change.

    `asked` is the id that was chosen last, `id` the one that is shown; `note` says why the store did not answer, or
    what became of the snapshot. `changed` is called when another one is selected, or none.
    """

    def __init__(self, plant: Plant, changed: Callable[[], Awaitable[None]]) -> None:
        self._plant, self._changed = plant, changed
        self._loader, self._looker = Refresher(self._load, 0.0), Refresher(self._look, PAUSE)
        self._refusal: tuple[int, str] | None = None
        self.asked = 0
        self.header: SnapshotHeader | None = None
        self.filter = ""
        self.values = ValuePages(plant, self._shown)
        self.note = self.refusal = ""
        self.view: Shows = Unseen()

    @property
    def id(self) -> int:
        """The id of the snapshot that is shown; 0: none."""
        return self.header.id if self.header else 0

    @property
    def message(self) -> str:
        """What a person should know: why the last put was refused, else what became of the snapshot, or an empty page."""
        is_filtered = self.header is not None and self.filter and not self.values.count
        return self.refusal or self.note or ("No PV matches" if is_filtered else "")

    @property
    def is_golden(self) -> bool:
        """Whether it is the golden snapshot of its set, which is a configured one."""
        if self.header is None or self.header.set_name not in self._plant.sets:
            return False
        return self._plant.settings.get(self.header.set_name, GOLDEN_ID) == str(self.id)

    async def choose(self, snapshot_id: int) -> bool:
        """Show a snapshot, 0: none. Raises Refused if there is none, and selects none; False if the store did not answer.

        Whoever does not look for the refusal would edit or delete the one before it.
        """
        self.asked, self.refusal = snapshot_id, ""
        await self._loader.now()
        if self._refusal and self._refusal[0] == snapshot_id:
            raise Refused(self._refusal[1])
        await self.values.read()
        return not self.note

    async def choose_pvs(self, filter_text: str) -> bool:
        """Show the PVs that a FILTER text chooses, now and in the snapshots that are selected later."""
        self.filter, self.refusal = filter_text, ""
        await self._loader.now()
        await self.values.read()
        return not self.note

    async def turn_to(self, page: int) -> None:
        """Show a page of values. Raises Refused if there is none of this number."""
        await self._loader.settled()
        self.refusal = ""
        await self.values.turn_to(page)

    async def turn(self, by: int) -> None:
        """Show the next page of values (1) or the previous one (-1); at the ends nothing happens."""
        await self._loader.settled()
        self.refusal = ""
        await self.values.turn(by)

    async def edit(
        self,
        origin: Origin,
        *,
        title: str | None = None,
        comment: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> None:
        """Change what is said of the snapshot that was chosen last. Raises Refused if that cannot be done."""
        snapshot_id = self._require_asked()
        await self._loader.settled()
        try:
            header = await self._plant.store.edit(snapshot_id, origin, title=title, comment=comment, tags=tags)
        except StoreError as fault:
            raise Refused(str(fault)) from fault
        self.refusal = ""
        if self.id == header.id:
            self.header = header
        self._plant.list_changed()
        await self.view.changed()

    async def delete(self, snapshot_id: int, origin: Origin) -> None:
        """Delete the snapshot that was chosen last: its id has to be said again. Raises Refused, 0 does nothing."""
        if snapshot_id == 0:
            return
        if snapshot_id != self._require_asked():
            raise Refused(f"{snapshot_id} is not the selected snapshot, which is {self.asked}")
        await self._loader.settled()
        try:
            await self._plant.store.delete(snapshot_id, origin)
        except StoreError as fault:
            raise Refused(str(fault)) from fault
        self.refusal = ""
        # First, lest this selection be told that it was somebody else.
        await self._gone(snapshot_id, f"Snapshot {snapshot_id} was deleted")
        await self._plant.was_deleted(snapshot_id)

    def soon(self) -> None:
        """Some snapshot may be gone, or be described otherwise: look at this one before long."""
        if self.header:
            self._looker.soon()

    async def refused(self, why: str) -> None:
        """Say why a put was refused, until one is not."""
        self.refusal = why
        await self._loader.settled()
        await self._shown()

    async def close(self) -> None:
        """Show nothing more."""
        for part in (self._loader, self._looker, self.values):
            await part.close()

    def _require_asked(self) -> int:
        if not self.asked:
            raise Refused("no snapshot is selected (SEL:ID)")
        return self.asked

    async def _load(self, is_latest: IsLatest) -> None:
        """Bring what is shown to what was asked for last: a snapshot, and a filter."""
        asked, filter_text, self._refusal = self.asked, self.filter, None
        try:
            snapshot = await self._asked_snapshot(asked)
        except UnknownSnapshot as unknown:
            self._refusal = (asked, str(unknown))
            if is_latest():
                self.asked = 0
                await self._show(None, NONE, str(unknown))
        except StoreError as fault:
            self.note = f"Snapshot {asked} cannot be shown: {fault}"
            if is_latest():
                self.asked = self.id
                await self._shown()
        else:
            chosen = await choose(snapshot, filter_text)
            if is_latest():
                await self._show(snapshot, chosen)

    async def _asked_snapshot(self, asked: int) -> Snapshot | None:
        if asked == self.id:
            return self.values.snapshot
        return await self._plant.store.load(asked) if asked else None

    async def _show(self, snapshot: Snapshot | None, chosen: Chosen, note: str = "") -> None:
        is_other = snapshot is not self.values.snapshot
        if is_other:
            self.header = snapshot.header if snapshot else None
        self.note = note
        await self.values.show(snapshot, chosen)
        if is_other:
            await self._changed()

    async def _shown(self) -> None:
        await self.view.changed()

    async def _look(self, is_latest: IsLatest) -> None:
        """See whether the snapshot is still there, and what is said of it."""
        snapshot_id = self.id
        try:
            header = await self._plant.store.header(snapshot_id) if snapshot_id else None
        except UnknownSnapshot:
            await self._gone(snapshot_id, f"Snapshot {snapshot_id} was deleted by somebody")
        except StoreError:
            self._looker.soon(PAUSE)
        else:
            if header and header.id == self.id:
                self.header = header
                await self._shown()

    async def _gone(self, snapshot_id: int, why: str) -> None:
        if self.asked == snapshot_id:
            self.asked = 0
        if self.id == snapshot_id:
            self.refusal = ""
            await self._show(None, NONE, why)
