"""`snapioc list`: the snapshots in the store."""

from __future__ import annotations

import argparse
import asyncio

from snapioc.model import SnapError, SnapshotHeader

from .arguments import Commands, add_listing_arguments, add_reading_arguments, new_command, opened_store
from .output import print_json, print_table
from .values import by_text, header_json, kind_text, local_time

_COLUMNS = ("id", "time", "set", "kind", "title", "tags", "by", "ok/total", "missing", "invalid")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = new_command(commands, "list", _act, "list snapshots, the newest first; exit code 1 if there are none")
    parser.add_argument("--undo", action="store_true", help="also those that restores took before and after writing")
    add_listing_arguments(parser)
    add_reading_arguments(parser)


def _act(arguments: argparse.Namespace) -> int:
    headers = asyncio.run(_headers(arguments))
    if arguments.json:
        print_json([header_json(header) for header in headers])
    if not headers:
        raise SnapError(f"there is no snapshot of set {arguments.set}" if arguments.set else "there is no snapshot yet")
    if not arguments.json:
        print_table(_COLUMNS, [_row(header) for header in headers], folding=("title", "tags", "kind"))
    return 0


async def _headers(arguments: argparse.Namespace) -> list[SnapshotHeader]:
    async with opened_store(arguments.config) as store:
        return await store.headers(limit=arguments.limit, set_name=arguments.set, undo=arguments.undo)


def _row(header: SnapshotHeader) -> tuple[object, ...]:
    return (
        header.id,
        local_time(header.taken_at),
        header.set_name,
        kind_text(header),
        header.title,
        ", ".join(header.tags),
        by_text(header.origin),
        f"{header.ok}/{header.total}",
        header.missing,
        header.invalid,
    )
