"""`snapioc restores`: the restores that the store knows."""

from __future__ import annotations

import argparse
import asyncio

from snapioc.model import RestoreRecord, SnapError

from .arguments import Commands, add_listing_arguments, add_reading_arguments, new_command, opened_store
from .output import print_json, print_table
from .restore_values import record_json, result_text
from .values import by_text, local_time

_COLUMNS = ("id", "begun", "set", "snapshot", "result", "written", "by", "undo", "filter", "message")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    about = "list restores, the newest first; undo is the snapshot of the values before it; exit code 1 if there are none"
    parser = new_command(commands, "restores", _act, about)
    add_listing_arguments(parser)
    add_reading_arguments(parser)


def _act(arguments: argparse.Namespace) -> int:
    records = asyncio.run(_records(arguments))
    if arguments.json:
        print_json([record_json(record) for record in records])
    if not records:
        raise SnapError(f"there is no restore of set {arguments.set}" if arguments.set else "there is no restore yet")
    if not arguments.json:
        print_table(_COLUMNS, [_row(record) for record in records], folding=("filter", "message"))
    return 0


async def _records(arguments: argparse.Namespace) -> list[RestoreRecord]:
    async with opened_store(arguments.config) as store:
        return await store.restores(limit=arguments.limit, set_name=arguments.set)


def _row(record: RestoreRecord) -> tuple[object, ...]:
    return (
        record.id,
        local_time(record.begun_at),
        record.new.set_name,
        record.new.snapshot_id,
        result_text(record),
        record.written,
        by_text(record.new.origin),
        "" if record.undo_id is None else record.undo_id,
        record.new.filter,
        record.message,
    )
