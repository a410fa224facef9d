"""What the four parts have in common: whose puts they refuse, and how values are posted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from snapioc.operations import Console
from snapioc.operations.finding import ROWS, Browser

from ..snap_pv import SnapGroup
from ..wire import INT32

NOT_BELOW_ZERO = (0, INT32[1])
FROM_ONE = (1, INT32[1])

T = TypeVar("T")
R = TypeVar("R", bound=SnapGroup)


class PartPvs(SnapGroup):
    """The PVs of one part of a console's Browser under a name of their own."""

    part: ClassVar[str]
    row: ClassVar[type[SnapGroup]]

    def __init__(self, prefix: str, console: Console) -> None:
        self.control = console
        self.rows = (
            [self.row(f"{prefix}{self.part}:{number}:") for number in range(1, ROWS + 1)] if hasattr(self, "row") else []
        )
        super().__init__(f"{prefix}{self.part}:")

    @property
    def browser(self) -> Browser:
        """What is shown."""
        return self.control.browser

    @property
    def all_pvs(self) -> dict[str, Any]:
        """Those of the part and of its rows."""
        pvs: dict[str, Any] = dict(self.pvdb)
        for row in self.rows:
            pvs |= row.pvdb
        return pvs

    async def refused_put(self, why: str) -> None:
        """A put to one of these PVs was refused."""
        await self.control.refused(why)


async def post_all(pvs: SnapGroup, shown: Mapping[str, Callable[[T], Any]], source: T) -> None:
    """Show on each PV what its function says of the source."""
    for name, value in shown.items():
        await getattr(pvs, name).post(value(source))


async def post_rows(rows: Sequence[R], sources: Iterable[T], post: Callable[[R, T | None], Any]) -> None:
    """Show a source on each row, and nothing (None) on those that are left over."""
    left = iter(sources)
    for row in rows:
        await post(row, next(left, None))
