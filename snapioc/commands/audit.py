"""`snapioc audit`: who changed or deleted what."""

from __future__ import annotations

import argparse
import asyncio

from snapioc.model import AuditEntry, SnapError

from .arguments import Commands, add_limit_argument, add_reading_arguments, new_command, opened_store
from .output import print_json, print_table
from .values import Json, by_text, local_time

_COLUMNS = ("time", "by", "subject", "what", "before", "after")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    about = "list who edited or deleted snapshots, the newest first; exit code 1 if nobody did"
    parser = new_command(commands, "audit", _act, about)
    parser.add_argument("id", type=int, nargs="?", metavar="ID", help="only what was done to this snapshot")
    add_limit_argument(parser)
    add_reading_arguments(parser)


def _act(arguments: argparse.Namespace) -> int:
    entries = asyncio.run(_entries(arguments))
    if arguments.json:
        print_json([_json(entry) for entry in entries])
    if not entries:
        where = "" if arguments.id is None else f" of snapshot {arguments.id}"
        raise SnapError(f"nothing{where} was edited or deleted")
    if not arguments.json:
        print_table(_COLUMNS, [_row(entry) for entry in entries], folding=("before", "after"))
    return 0


async def _entries(arguments: argparse.Namespace) -> list[AuditEntry]:
    async with opened_store(arguments.config) as store:
        return await store.audit(arguments.limit, arguments.id)


def _row(entry: AuditEntry) -> tuple[str, ...]:
    return local_time(entry.at), by_text(entry.origin), entry.subject, entry.what, entry.before, entry.after


def _json(entry: AuditEntry) -> Json:
    return {
        "time": local_time(entry.at),
        "user": entry.origin.user,
        "host": entry.origin.host,
        "group": entry.origin.group,
        "subject": entry.subject,
        "what": entry.what,
        "before": entry.before,
        "after": entry.after,
    }
