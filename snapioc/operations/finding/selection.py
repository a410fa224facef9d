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

    `asked` is the id that was chosen last, `id` the one that is shown; `message` says what a person should know: why the
    store did not answer, or that the snapshot was deleted. `changed` is called when another one is selected, or none.
    """

    def __init__(self, plant: Plant, changed: Callable[[], Awaitable[None]]) -> None:
        self._plant, self._changed = plant, changed
        self._loader, self._looker = Refresher(self._load, 0.0), Refresher(self._look, PAUSE)
        self._refusal: tuple[int, str] | None = None
        self.asked = 0
        self.header: SnapshotHeader | None = None
        self.filter = ""
        self.values = ValuePages(plant, self._shown)
        self.message = ""
        self.view: Shows = Unseen()

    @property
    def id(self) -> int:
        """The id of the snapshot that is shown; 0: none."""
        return self.header.id if self.header else 0

    @property
    def is_golden(self) -> bool:
        """Whether it is the golden snapshot of its set."""
        return self.header is not None and self._plant.settings.get(self.header.set_name, GOLDEN_ID) == str(self.id)

    async def choose(self, snapshot_id: int) -> bool:
        """Show a snapshot, 0: none. Raises Refused if there is none; False if the store did not answer."""
        self.asked = snapshot_id
        await self._loader.now()
        if self._refusal and self._refusal[0] == snapshot_id:
            raise Refused(self._refusal[1])
        await self.values.read()
        return not self.message

    async def choose_pvs(self, filter_text: str) -> bool:
        """Show the PVs that a FILTER text chooses, now and in the snapshots that are selected later."""
        self.filter = filter_text
        await self._loader.now()
        await self.values.read()
        return not self.message

    async def turn_to(self, page: int) -> None:
        """Show a page of values. Raises Refused if there is none of this number."""
        await self._loader.settled()
        await self.values.turn_to(page)

    async def turn(self, by: int) -> None:
        """Show the next page of values (1) or the previous one (-1); at the ends nothing happens."""
        await self._loader.settled()
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
        self._plant.list_changed()
        await self._gone(snapshot_id, f"Snapshot {snapshot_id} was deleted")

    def soon(self) -> None:
        """Some snapshot may be gone, or be described otherwise: look at this one before long."""
        if self.header:
            self._looker.soon()

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
        except StoreError as fault:
            self.message = f"Snapshot {asked} cannot be shown: {fault}"
        else:
            chosen = await choose(snapshot, filter_text)
            if is_latest():
                await self._show(snapshot, chosen)
            return
        if is_latest():
            self.asked = self.id
            await self._shown()

    async def _asked_snapshot(self, asked: int) -> Snapshot | None:
        if asked == self.id:
            return self.values.snapshot
        return await self._plant.store.load(asked) if asked else None

    async def _show(self, snapshot: Snapshot | None, chosen: Chosen, message: str = "") -> None:
        is_other = snapshot is not self.values.snapshot
        if is_other:
            self.header = snapshot.header if snapshot else None
        self.message = message
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
            await self._show(None, NONE, why)
