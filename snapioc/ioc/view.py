"""The projection of a group's state to its PVs. Equal values are not posted again, but for the results of an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from snapioc.model import RestoreRecord
from snapioc.operations import Compared, Console, Group, Status

from .consoles import ConsolePvs
from .groups import GroupPvs
from .texts import fit, lines, named

_ALWAYS: Mapping[str, Callable[[Group], Any]] = {
    "title": lambda group: group.inputs.title,
    "comment": lambda group: group.inputs.comment,
    "tags": lambda group: group.inputs.tags,
    "filter": lambda group: group.inputs.filter,
    "policy": lambda group: int(group.inputs.policy),
    "changed_only": lambda group: int(group.inputs.changed_only),
    "verify": lambda group: int(group.inputs.verify),
    "rate": lambda group: group.inputs.rate,
    "restore_id": lambda group: group.state.restore_id,
    "preview_id": lambda group: group.state.preview_id,
    "undo_id": lambda group: group.undo_point.undo_id or 0 if group.undo_point else 0,
    "undo_text": lambda group: shown_undo(group.undo_point),
    "compare_id": lambda group: group.state.compare_id,
    "compare_with": lambda group: group.inputs.compare_with,
    "last_id": lambda group: group.state.last_id,
    "last_time": lambda group: local_time(group.state.last_time),
    "last_title": lambda group: group.state.last_title,
    "refused": lambda group: group.state.refused,
    "refused_why": lambda group: fit(group.state.refused_why),
}

_RUNNING: Mapping[str, Callable[[Group], Any]] = {
    "progress": lambda group: group.state.progress,
    "elapsed": lambda group: group.state.elapsed,
    "message": lambda group: fit(group.state.message),
    "total": lambda group: group.state.total,
    "done": lambda group: group.state.done,
    "failed": lambda group: group.state.failed,
    "skipped": lambda group: group.state.skipped,
    "unchanged": lambda group: group.state.unchanged,
    "invalid": lambda group: group.state.invalid,
    "trigger": lambda group: int(group.state.saving),
    "undo": lambda group: int(group.state.undoing),
    "status": lambda group: int(group.state.status),
}

_RESULTS: Mapping[str, Callable[[Group], Any]] = {
    **{name: _ALWAYS[name] for name in ("last_id", "last_time", "last_title")},
    "skew": lambda group: group.state.skew,
    "progress": lambda group: group.state.progress,
    "elapsed": lambda group: group.state.elapsed,
    **{name: _RUNNING[name] for name in ("total", "done", "failed", "skipped", "unchanged", "invalid")},
    "equal": lambda group: group.state.compared.equal,
    "different": lambda group: group.state.compared.different,
    "unknown": lambda group: group.state.compared.unknown,
    "differences": lambda group: shown_differences(group.state.compared),
    "plan": lambda group: lines(group.state.planned.lines, group.state.planned.show_all, group.state.planned.count),
    "failures": lambda group: named(group.state.failures, group.state.show_all),
    "message": lambda group: fit(group.state.message),
    "result": lambda group: int(group.state.result),
}
"""What an operation has to show at its end, in the order of rule 5, before OPS and STATUS."""


def local_time(timestamp: float) -> str:
    """A Unix time as local ISO 8601 with offset, to the second; empty for 0."""
    return datetime.fromtimestamp(timestamp).astimezone().isoformat(timespec="seconds") if timestamp else ""


def shown_differences(compared: Compared) -> str:
    """A line per PV that differs, as many as a text holds."""
    return lines(compared.lines, compared.show_all, compared.different)


def shown_undo(point: RestoreRecord | None) -> str:
    """Which restore UNDO would take back: of what, from when, how many PVs, by whom; empty if there is none."""
    if point is None:
        return ""
    what = f"Undo of restore {point.new.undoes}" if point.new.undoes else f"Restore of {point.new.snapshot_id}"
    who = point.new.origin.user or "unknown"
    where = f" from {point.new.origin.host}" if point.new.origin.host else ""
    written = f"{point.written} PV" + ("s" if point.written != 1 else "")
    return fit(f"{what}, {local_time(point.begun_at)}, {written} of {point.new.set_name}, by {who}{where}")


class GroupView:
    """Shows a group on its PVs."""

    def __init__(self, group: Group, pvs: GroupPvs) -> None:
        self._group, self._pvs = group, pvs

    async def start(self) -> None:
        """Show everything as it is when the server starts."""
        for name, value in {**_ALWAYS, **_RESULTS, **_RUNNING}.items():
            await getattr(self._pvs, name).post(value(self._group))
        await self.changed()

    async def changed(self) -> None:
        """Show what is new in inputs, refusals and progress."""
        await self._post(_ALWAYS)
        if self._group.state.status is not Status.IDLE:
            await self._post(_RUNNING)
        if isinstance(self._group, Console) and isinstance(self._pvs, ConsolePvs):
            await self._pvs.set.post(self._group.selected)

    async def ended(self) -> None:
        """Show the results, even if they are equal to the last ones, then OPS and STATUS."""
        await self._post(_RESULTS, force=True)
        await self._post(_ALWAYS)
        await self._pvs.trigger.post(0)
        await self._pvs.undo.post(0)
        await self._pvs.ops.post(self._group.state.ops)
        await self._pvs.status.post(int(self._group.state.status))

    async def _post(self, shown: Mapping[str, Callable[[Group], Any]], *, force: bool = False) -> None:
        for name, value in shown.items():
            await getattr(self._pvs, name).post(value(self._group), force=force)
