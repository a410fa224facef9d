"""Console: a group for people, who choose what it acts on, and look for snapshots there."""

from __future__ import annotations

from snapioc.model import Origin, Refused, Snapshot

from .compare import compare
from .finding import Browser
from .group import Group
from .job import Job
from .plant import Plant, SetSettings


class Console(Group):
    """A group for people: it acts on the set named in SET, and restores snapshots of any set. The main one has no name."""

    def __init__(self, plant: Plant, name: str = "") -> None:
        self.selected = next(iter(plant.sets))
        super().__init__(plant, plant.sets[self.selected], name)
        self.browser = Browser(plant, self.state)

    @property
    def settings(self) -> SetSettings:
        """The set named in SET."""
        return self.plant.sets[self.selected]

    @property
    def label(self) -> str:
        """The console in a person's words."""
        return f"the console {self.name}" if self.name else "the console"

    def choose(self, set_name: str) -> None:
        """Act on this set from now on, a new one with its own defaults. Raises Refused if there is none of this name."""
        if set_name not in self.plant.sets:
            raise Refused(f"there is no set {set_name!r}; the sets are {', '.join(self.plant.sets)}")
        self.restored = None
        if set_name != self.selected:
            self.selected = set_name
            defaults = self.settings
            self.inputs.policy, self.inputs.verify = defaults.policy, defaults.verify
            self.inputs.changed_only = defaults.changed_only

    async def undo(self, origin: Origin) -> bool:
        """Take back the last restore of the set in SET, unless what was restored here last is another one."""
        if self.restored and self.restored != self.selected:
            raise Refused(
                f"what was restored here last is {self.restored}, but SET is {self.selected}: put to SET what to take back"
                " (a set that is configured no more: RESTORE_ID of the snapshot before it)"
            )
        return await super().undo(origin)

    async def close(self) -> None:
        """Cancel what runs and what is looked for, because the IOC stops."""
        await super().close()
        await self.browser.close()

    async def _carry_out_compare(self, job: Job, stored: Snapshot, other: Snapshot | None) -> None:
        await compare(job, self.plant, stored, other)

    def accepts(self, set_name: str) -> bool:
        """The console takes snapshots of any set, also of those that are configured no more."""
        return True
