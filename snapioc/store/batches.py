"""Many rows in portions: as many as an IN list takes, and as the event loop can prepare without a noticeable pause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Table, bindparam, insert
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

IN_LIST = 500
"""Values of one IN list; every database takes that many."""

ROWS = 2000
"""Rows of one INSERT: some 2 ms of the event loop's time."""


def batches(values: Sequence[T], size: int = IN_LIST) -> Iterator[Sequence[T]]:
    """The values in portions."""
    return (values[start : start + size] for start in range(0, len(values), size))


def any_of(values: Iterable[int]) -> BindParameter[Any]:
    """These numbers for an IN list, however many they are: they are part of the statement, which has no bound variables."""
    return bindparam(None, list(values), expanding=True, literal_execute=True)


async def insert_all(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert any number of rows, none included."""
    for batch in batches(rows, ROWS):
        await connection.execute(insert(table), list(batch))
