"""SnapIoc: all PVs of the product, wired to the operations, and served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from snapioc import __version__
from snapioc.operations import Console, Group, Plant

from .groups import ConsolePvs, GroupPvs
from .server import serve
from .service import ServiceView
from .view import GroupView


class SnapIoc:
    """The IOC's server side: one PVGroup per set, and the console."""

    def __init__(self, prefix: str, plant: Plant, console: Console, groups: Sequence[Group]) -> None:
        console_pvs = ConsolePvs(prefix, console)
        self._views = [GroupView(console, console_pvs)]
        console.view = self._views[0]
        self.pvdb: dict[str, Any] = dict(console_pvs.pvdb)
        for group in groups:
            pvs = GroupPvs(f"{prefix}{group.name}:", group)
            group.view = view = GroupView(group, pvs)
            self._views.append(view)
            self.pvdb |= pvs.pvdb
        self._service = ServiceView(plant, console_pvs, __version__)
        # A restore on one prefix moves what UNDO means on the other.
        plant.watchers += [self._service.changed, *(view.changed for view in self._views)]

    async def serve(self, port: int | None, interfaces: Sequence[str] | None, serving: Callable[[], None]) -> None:
        """Serve until cancelled; `serving` is called when clients can connect. Raises SnapError if that is impossible."""
        for view in self._views:
            await view.start()
        await self._service.start()
        await serve(self.pvdb, port, interfaces, serving)

    async def watch(self) -> None:
        """Keep the service PVs true until cancelled."""
        await self._service.run()
