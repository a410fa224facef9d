"""Views: all that shows one group, as one."""

from __future__ import annotations

from snapioc.operations import View


class Views:
    """Passes news of a group on to several views, in their order."""

    def __init__(self, *views: View) -> None:
        self._views = views

    async def changed(self) -> None:
        """Something in the group's state, inputs or refusals is new."""
        for view in self._views:
            await view.changed()

    async def ended(self) -> None:
        """An operation ended."""
        for view in self._views:
            await view.ended()
