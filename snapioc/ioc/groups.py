"""The control PVs of a set and of the console: the table of the PV contract, and what a put to each does."""

from __future__ import annotations

from typing import Any

from snapioc.model import Refused, Severity
from snapioc.operations import Group, Policy, Result, Status

from .circuit import Put
from .kinds import AnalogPv, BinaryPv, CountPv, EnumPv, FilterPv, LongPv, StringPv, TextPv
from .snap_pv import SnapGroup

_NOT_BELOW_ZERO = (0, 2**31 - 1)
SLOWEST = 0.01
"""PVs per second of the lowest rate."""

_PERCENT = (0.0, 100.0)
_UNLIMITED = (0.0, 0.0)

RESULT_SEVERITIES = {
    Result.PARTIAL: Severity.MINOR,
    Result.FAILED: Severity.MAJOR,
    Result.ABORTED: Severity.MINOR,
    Result.INTERRUPTED: Severity.MAJOR,
}


def _labels(states: type[Any]) -> tuple[str, ...]:
    return tuple(state.name.replace("_", " ").capitalize() for state in states)


class GroupPvs(SnapGroup):
    """What every group serves."""

    # Commands
    trigger = BinaryPv.pv("TRIGGER", "Save the set now", labels=("Idle", "Save"), handler="put_trigger")
    restore_id = LongPv.pv("RESTORE_ID", "Restore this snapshot", limits=_NOT_BELOW_ZERO, handler="put_restore_id")
    compare_id = LongPv.pv("COMPARE_ID", "Compare this snapshot", limits=_NOT_BELOW_ZERO, handler="put_compare_id")
    preview_id = LongPv.pv(
        "PREVIEW_ID", "Say what restoring it would write", limits=_NOT_BELOW_ZERO, handler="put_preview_id"
    )
    undo = BinaryPv.pv("UNDO", "Take back the set's last restore", labels=("Idle", "Undo"), handler="put_undo")
    abort = BinaryPv.pv("ABORT", "Stop the running operation", labels=("Idle", "Abort"), handler="put_abort")

    # Inputs
    title = TextPv.pv("TITLE", "Title of the next snapshot", handler="put_title")
    comment = TextPv.pv("COMMENT", "Comment on the next snapshot", handler="put_comment")
    tags = TextPv.pv("TAGS", "Tags of the next snapshot, with commas", handler="put_tags")
    filter = FilterPv.pv("FILTER", "Globs of the PVs to restore, !glob not", handler="put_filter")
    policy = EnumPv.pv("POLICY", "If a PV cannot be restored", labels=_labels(Policy), handler="put_policy")
    changed_only = BinaryPv.pv("CHANGED", "Which PVs are written", labels=("All", "Changed only"), handler="put_changed")
    verify = BinaryPv.pv("VERIFY", "Read back what a restore wrote", labels=("No", "Yes"), handler="put_verify")
    compare_with = LongPv.pv(
        "COMPARE_WITH", "... with this one (0: the live machine)", limits=_NOT_BELOW_ZERO, handler="put_compare_with"
    )

    rate = AnalogPv.pv(
        "RATE",
        "Speed of writing at most, 0: the set's",
        units="PVs/s",
        precision=1,
        limits=_UNLIMITED,
        handler="put_rate",
    )
    # State
    status = EnumPv.pv("STATUS", "What this group is doing", labels=_labels(Status))
    result = EnumPv.pv("RESULT", "How its last operation ended", labels=_labels(Result), severities=RESULT_SEVERITIES)
    ops = LongPv.pv("OPS", "Operations ended since the IOC started", limits=_NOT_BELOW_ZERO)
    progress = AnalogPv.pv("PROGRESS", "Progress of the operation", units="%", precision=1, limits=_PERCENT)
    message = TextPv.pv("MESSAGE", "The last operation in one sentence")
    total = LongPv.pv("N_TOTAL", "PVs of the operation", limits=_NOT_BELOW_ZERO)
    done = LongPv.pv("N_DONE", "PVs read, or written and read back", limits=_NOT_BELOW_ZERO)
    failed = LongPv.pv("N_FAILED", "PVs that failed", limits=_NOT_BELOW_ZERO)
    skipped = LongPv.pv("N_SKIPPED", "PVs that the rules left out", limits=_NOT_BELOW_ZERO)
    unchanged = LongPv.pv("N_UNCHANGED", "PVs that held the value, left alone", limits=_NOT_BELOW_ZERO)
    invalid = LongPv.pv("N_INVALID", "PVs with INVALID severity", limits=_NOT_BELOW_ZERO)
    failures = TextPv.pv("FAILURES", "Failed PVs: name, tab, reason")
    equal = LongPv.pv("N_EQUAL", "PVs that COMPARE found equal", limits=_NOT_BELOW_ZERO)
    different = CountPv.pv("N_DIFFERENT", "PVs that COMPARE found different", limits=_NOT_BELOW_ZERO)
    unknown = LongPv.pv("N_UNKNOWN", "PVs that COMPARE missed on both sides", limits=_NOT_BELOW_ZERO)
    differences = TextPv.pv("DIFFERENCES", "Name, stored, other, difference")
    undo_id = LongPv.pv("UNDO_ID", "Snapshot that UNDO would put back", limits=_NOT_BELOW_ZERO)
    undo_text = TextPv.pv("UNDO_TEXT", "What UNDO would take back")
    plan = TextPv.pv("PLAN", "What the preview would write")
    elapsed = AnalogPv.pv("ELAPSED", "Time of the operation", units="s", precision=3, limits=_UNLIMITED)
    last_id = LongPv.pv("LAST_ID", "Newest snapshot made by this TRIGGER", limits=_NOT_BELOW_ZERO)
    last_time = StringPv.pv("LAST_TIME", "When it was taken")
    last_title = TextPv.pv("LAST_TITLE", "Its title")
    skew = AnalogPv.pv("SKEW", "How far apart the values were read", units="ms", precision=1, limits=_UNLIMITED)
    refused = LongPv.pv("REFUSED", "Commands refused so far", limits=_NOT_BELOW_ZERO)
    refused_why = TextPv.pv("REFUSED_WHY", "Why the last one was refused")

    def __init__(self, prefix: str, group: Group) -> None:
        self.control = group
        super().__init__(prefix)

    async def refused_put(self, why: str) -> None:
        """A put to one of these PVs was refused."""
        await self.control.refused(why)

    async def put_trigger(self, wanted: int, put: Put) -> bool:
        """Save, unless a button was released."""
        return not wanted or await self.control.trigger(put.origin(self.control.name))

    async def put_restore_id(self, snapshot_id: int, put: Put) -> bool:
        """Restore; the id stands in the PV once it was accepted."""
        return await self.control.restore(snapshot_id, put.origin(self.control.name))

    async def put_compare_id(self, snapshot_id: int, put: Put) -> bool:
        """Compare; the id stands in the PV once it was accepted."""
        return await self.control.compare(snapshot_id)

    async def put_preview_id(self, snapshot_id: int, put: Put) -> bool:
        """Preview; the id stands in the PV once it was accepted."""
        return await self.control.preview(snapshot_id, put.origin(self.control.name))

    async def put_undo(self, wanted: int, put: Put) -> bool:
        """Undo, unless a button was released."""
        return not wanted or await self.control.undo(put.origin(self.control.name))

    async def put_abort(self, wanted: int, put: Put) -> None:
        """Stop what runs, unless a button was released."""
        if wanted:
            await self.abort.post(1)
            await self.control.abort()
            await self.abort.post(0)

    async def put_title(self, text: str, put: Put) -> None:
        """Take the title of the next snapshot."""
        await self._take("title", text)

    async def put_comment(self, text: str, put: Put) -> None:
        """Take the comment on the next snapshot."""
        await self._take("comment", text)

    async def put_tags(self, text: str, put: Put) -> None:
        """Take the tags of the next snapshot."""
        await self._take("tags", text)

    async def put_filter(self, text: str, put: Put) -> None:
        """Take the globs of the next restores."""
        await self._take("filter", text.strip())

    async def put_policy(self, index: int, put: Put) -> None:
        """Take what a restore does if a PV cannot be written."""
        self.control.inputs.policy = Policy(index)
        await self.control.view.changed()

    async def put_changed(self, wanted: int, put: Put) -> None:
        """Take whether a restore leaves alone what holds its value already."""
        self.control.inputs.changed_only = bool(wanted)
        await self.control.view.changed()

    async def put_rate(self, rate: float, put: Put) -> None:
        """Take how fast the next restores write at most."""
        if 0 < rate < SLOWEST:
            raise Refused(f"{rate:g} PVs/s would take for ever: {SLOWEST} is the least, 0 is the set's own")
        self.control.inputs.rate = rate
        await self.control.view.changed()

    async def put_verify(self, wanted: int, put: Put) -> None:
        """Take whether a restore reads back."""
        self.control.inputs.verify = bool(wanted)
        await self.control.view.changed()

    async def put_compare_with(self, snapshot_id: int, put: Put) -> None:
        """Take what the next compares are with."""
        if snapshot_id < 0:
            raise Refused(f"{snapshot_id} is no snapshot's id (0: the live machine)")
        self.control.inputs.compare_with = snapshot_id
        await self.control.view.changed()

    async def _take(self, name: str, text: str) -> None:
        self.control.inputs.set_text(name, text)
        await self.control.view.changed()
