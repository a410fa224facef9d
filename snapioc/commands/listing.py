"""`snapioc list`: the snapshots in the store."""

from __future__ import annotations

import argparse
import asyncio

from snapioc.model import SnapError, SnapshotHeader

from .arguments import Commands, add_reading_arguments, new_command, opened_store
from .output import print_json, print_table
from .values import by_text, header_json, kind_text, local_time

_COLUMNS = ("id", "time", "set", "kind", "title", "tags", "by", "ok/total", "missing", "invalid")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = new_command(commands, "list", _act, "list snapshots, the newest first; exit code 1 if there are none")
    parser.add_argument("--set", metavar="S", help="only those of this set")
    parser.add_argument("-n", type=_count, default=20, metavar="N", help="at most so many (default: %(default)s)")
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
        return await store.headers(limit=arguments.n, set_name=arguments.set)


def _row(header: SnapshotHeader) -> tuple[object, ...]:
    return (
        header.id,
        local_time(header.taken_at),
        header.set_name,
        kind_text(header),
        header.title,
        ", ".join(header.tags),
        by_text(header),
        f"{header.ok}/{header.total}",
        header.missing,
        header.invalid,
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)
