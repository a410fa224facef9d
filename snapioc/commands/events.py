"""`snapioc events`: all that the PVs of a window snapshot did within its window."""

from __future__ import annotations

import argparse
import asyncio

from snapioc.model import Events, SnapError, Snapshot, chosen_pvs, shown

from .arguments import Commands, add_filter_argument, add_reading_arguments, new_command, opened_store
from .output import print_json, print_table
from .values import header_json, reading_json, reading_time, severity_text

_COLUMNS = ("time", "pv", "value", "severity")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    about = "show the events of a window snapshot in the order in which they came; exit code 1 if it has none"
    parser = new_command(commands, "events", _act, about)
    parser.add_argument("id", type=int, metavar="ID", help="the snapshot")
    add_filter_argument(parser)
    add_reading_arguments(parser)


def _act(arguments: argparse.Namespace) -> int:
    snapshot, events = asyncio.run(_load(arguments))
    pvs = snapshot.pv_set.pvs
    chosen = set(chosen_pvs(pvs, arguments.filter))
    rows = [(row, pvs[place]) for row, place in enumerate(events.rows.tolist()) if pvs[place] in chosen]
    if arguments.json:
        listed = [reading_json(pv, events.readings, row) for row, pv in rows]
        print_json(header_json(snapshot.header) | {"events": listed})
    else:
        print_table(_COLUMNS, [_line(events, row, pv) for row, pv in rows], folding=("value",))
    return 0


async def _load(arguments: argparse.Namespace) -> tuple[Snapshot, Events]:
    async with opened_store(arguments.config) as store:
        events = await store.events(arguments.id)
        if events is None:
            raise SnapError(f"snapshot {arguments.id} is no window snapshot: it has values, but no events")
        return await store.load(arguments.id), events


def _line(events: Events, row: int, pv: str) -> tuple[str, ...]:
    reading = events.readings.reading(row)
    return reading_time(events.readings, row, 6) or "", pv, shown(reading), severity_text(reading.severity)
