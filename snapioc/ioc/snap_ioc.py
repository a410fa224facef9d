"""SnapIoc: all PVs of the product, wired to the operations, and served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from snapioc import __version__
from snapioc.operations import Console, Group, Plant, View
from snapioc.operations.repeat import Repeats
from snapioc.operations.watch import DriftWatches

from .connections import ConnectionsView, ServerPvs
from .consoles import ConsolePvs, MainPvs
from .finding import FindingView
from .groups import GroupPvs
from .repeat_pvs import RepeatPvs, RepeatView
from .server import serve
from .service import ServiceView
from .view import GroupView
from .views import Views
from .watch_pvs import WatchPvs, WatchView


class SnapIoc:
    """The IOC's server side: a group of PVs per set and per console; the first console is the main one."""

    def __init__(
        self,
        prefix: str,
        plant: Plant,
        consoles: Sequence[Console],
        groups: Sequence[Group],
        watches: DriftWatches,
        repeats: Repeats,
    ) -> None:
        self.pvdb: dict[str, Any] = {}
        self._views: list[GroupView | WatchView | RepeatView | FindingView] = []
        self._watches, self._repeats = watches, repeats
        main, *further = consoles
        console_pvs, server_pvs = MainPvs(prefix, main), ServerPvs(prefix)
        self._add_console(prefix, main, console_pvs)
        for console in further:
            own = f"{prefix}{console.name}:"
            self._add_console(own, console, ConsolePvs(own, console))
        for group in groups:
            own = f"{prefix}{group.name}:"
            self._add_group(own, group, GroupPvs(own, group))
        self.pvdb |= server_pvs.pvdb
        self._connections = ConnectionsView(plant, console_pvs, server_pvs)
        self._service = ServiceView(plant, console_pvs, __version__)
        # A restore on one prefix moves what UNDO means on the other.
        plant.watchers += [self._service.changed, *(view.changed for view in self._views)]

    def _add_console(self, prefix: str, console: Console, pvs: ConsolePvs) -> None:
        """Serve all that one console shows."""
        finding = FindingView(prefix, console)
        self._views.append(finding)
        self.pvdb |= finding.pvdb
        self._add_group(prefix, console, pvs, finding)

    def _add_group(self, prefix: str, group: Group, pvs: GroupPvs, *others: View) -> None:
        """Serve all that one group shows; `others` show it first."""
        watch_pvs, repeat_pvs = WatchPvs(prefix, group, self._watches), RepeatPvs(prefix, group, self._repeats)
        view, watch_view, repeat_view = GroupView(group, pvs), WatchView(watch_pvs), RepeatView(repeat_pvs)
        self._watches.watchers.append(watch_view.news_of)
        self._repeats.watch(repeat_view.news_of)
        group.view = Views(*others, view, watch_view, repeat_view)
        self._views += [view, watch_view, repeat_view]
        self.pvdb |= pvs.pvdb | watch_pvs.pvdb | repeat_pvs.pvdb

    async def serve(self, port: int | None, interfaces: Sequence[str] | None, serving: Callable[[], None]) -> None:
        """Serve until cancelled; `serving` is called when clients can connect. Raises SnapError if that is impossible."""
        for view in self._views:
            await view.start()
        await self._service.start()
        await self._connections.start()
        await serve(self.pvdb, port, interfaces, serving)

    async def watch(self) -> None:
        """Keep the service PVs true until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._service.run())
            tasks.create_task(self._connections.run())
