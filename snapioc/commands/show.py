"""`snapioc show`: one snapshot with its values."""

from __future__ import annotations

import argparse
import asyncio

from snapioc.model import Snapshot, SnapshotHeader, chosen_pvs, shown

from .arguments import Commands, add_filter_argument, add_reading_arguments, new_command, opened_store
from .output import print_json, print_lines, print_table, printable
from .values import by_text, header_json, kind_text, local_time, reading_json, reading_time, severity_text


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = new_command(commands, "show", _act, "show a snapshot with its values; exit code 1 if it is not there")
    parser.add_argument("id", type=int, metavar="ID", help="the snapshot")
    add_filter_argument(parser)
    add_reading_arguments(parser)


def _act(arguments: argparse.Namespace) -> int:
    snapshot = asyncio.run(_load(arguments))
    chosen = chosen_pvs(snapshot.pv_set.pvs, arguments.filter)
    rows = [(pv, snapshot.pv_set.rows[pv]) for pv in chosen]
    if arguments.json:
        values = [reading_json(pv, snapshot.readings, row) for pv, row in rows]
        print_json(header_json(snapshot.header) | {"values": values})
        return 0
    print_lines([*_header_lines(snapshot.header), ""])
    columns = ("pv", "value", "units", "severity", "time")
    print_table(columns, [_row(snapshot, pv, row) for pv, row in rows], folding=("value",))
    return 0


async def _load(arguments: argparse.Namespace) -> Snapshot:
    async with opened_store(arguments.config) as store:
        return await store.load(arguments.id)


def _header_lines(header: SnapshotHeader) -> list[str]:
    known = {
        "snapshot": f"{header.id}, {kind_text(header)}",
        "set": f"{header.set_name}, version {header.set_digest[:12]}",
        "taken": f"{local_time(header.taken_at)}, within {header.skew * 1e3:.1f} ms",
        "by": by_text(header.origin),
        "title": header.title,
        "comment": header.comment,
        "tags": ", ".join(header.tags),
        "PVs": f"{header.ok} of {header.total}; {header.missing} missing, {header.invalid} invalid",
    }
    return [f"{name:8}  {printable(value)}" for name, value in known.items() if value]


def _row(snapshot: Snapshot, pv: str, row: int) -> tuple[str, ...]:
    reading = snapshot.readings.reading(row)
    time = reading_time(snapshot.readings, row, 3) or ""
    return pv, shown(reading), reading.metadata.units, severity_text(reading.severity), time
