"""Pages of rows: how many there are, and whose turn it is to be shown."""

from __future__ import annotations

from typing import Protocol

from snapioc.model import Refused

ROWS = 20
"""Rows of a page."""


class Shows(Protocol):
    """Whoever shows a part of a browser; returns when its monitors are on their way."""

    async def changed(self) -> None:
        """Something of it is new."""


class Unseen:
    """Shows nothing, until somebody does."""

    async def changed(self) -> None:
        """Nobody looks."""


def pages_of(count: int) -> int:
    """How many pages so many rows have: an empty list is one empty page."""
    return max(1, -(-count // ROWS))


def require_page(page: int, count: int) -> None:
    """Raise Refused unless there is this page."""
    pages = pages_of(count)
    if not 1 <= page <= pages:
        raise Refused(f"there is no page {page}; the last one is {pages}")


def neighbour(page: int, by: int, count: int) -> int:
    """The page so many further on, the first or the last at the ends."""
    return min(max(1, page + by), pages_of(count))


def first_row(page: int) -> int:
    """The place of a page's first row."""
    return (page - 1) * ROWS
