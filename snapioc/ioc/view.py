"""The projection of a group's state to its PVs. Equal values are not posted again, but for the results of an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from snapioc.operations import Console, Group, Status

from .groups import ConsolePvs, GroupPvs
from .texts import fit, named

_ALWAYS: Mapping[str, Callable[[Group], Any]] = {
    "title": lambda group: group.inputs.title,
    "comment": lambda group: group.inputs.comment,
    "tags": lambda group: group.inputs.tags,
    "filter": lambda group: group.inputs.filter,
    "policy": lambda group: int(group.inputs.policy),
    "verify": lambda group: int(group.inputs.verify),
    "restore_id": lambda group: group.state.restore_id,
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
    "status": lambda group: int(group.state.status),
}

_RESULTS: Mapping[str, Callable[[Group], Any]] = {
    **{name: _ALWAYS[name] for name in ("last_id", "last_time", "last_title")},
    "skew": lambda group: group.state.skew,
    "progress": lambda group: group.state.progress,
    "elapsed": lambda group: group.state.elapsed,
    **{name: _RUNNING[name] for name in ("total", "done", "failed", "skipped", "unchanged", "invalid")},
    "failures": lambda group: named(group.state.failures, group.state.show_all),
    "message": lambda group: fit(group.state.message),
    "result": lambda group: int(group.state.result),
}
"""What an operation has to show at its end, in the order of rule 5, before OPS and STATUS."""


def local_time(timestamp: float) -> str:
    """A Unix time as local ISO 8601 with offset, to the second; empty for 0."""
    return datetime.fromtimestamp(timestamp).astimezone().isoformat(timespec="seconds") if timestamp else ""


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
        await self._pvs.ops.post(self._group.state.ops)
        await self._pvs.status.post(int(self._group.state.status))

    async def _post(self, shown: Mapping[str, Callable[[Group], Any]], *, force: bool = False) -> None:
        for name, value in shown.items():
            await getattr(self._pvs, name).post(value(self._group), force=force)
