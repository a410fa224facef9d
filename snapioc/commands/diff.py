"""`snapioc diff`: what differs between two snapshots."""

from __future__ import annotations

import argparse
import asyncio

from snapioc.model import Snapshot

from .arguments import Commands, add_filter_argument, add_reading_arguments, new_command, opened_store
from .differences import Comparison, compare_snapshots
from .output import print_json, print_lines, print_table
from .values import difference_text, header_json, reading_json, shown

_ABOUT = (
    "show the PVs that differ between two snapshots, within the tolerances of the set as it was at A; "
    "exit code 0 if none differs, 1 if some do, 2 if they cannot be compared"
)


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = new_command(commands, "diff", _act, _ABOUT, fault_code=2)
    parser.add_argument("a", type=int, metavar="A", help="the snapshot that tells what is right")
    parser.add_argument("b", type=int, metavar="B", help="the other snapshot")
    add_filter_argument(parser)
    add_reading_arguments(parser)


def _act(arguments: argparse.Namespace) -> int:
    stored, other = asyncio.run(_load(arguments))
    compared = compare_snapshots(stored, other, arguments.filter)
    if arguments.json:
        heads = {"stored": header_json(stored.header), "other": header_json(other.header)}
        print_json({**heads, **_counts(compared), "differences": [_json(compared, row) for row in compared.differing]})
    else:
        if compared.differing:
            columns = ("pv", str(stored.header.id), str(other.header.id), "difference")
            print_table(columns, [_row(compared, row) for row in compared.differing], folding=columns[1:])
        counts = _counts(compared)
        print_lines([f"{counts['equal']} equal, {counts['different']} different, {counts['unknown']} not in both"])
    return 1 if compared.differing else 0


async def _load(arguments: argparse.Namespace) -> tuple[Snapshot, Snapshot]:
    async with opened_store(arguments.config) as store:
        return await store.load(arguments.a), await store.load(arguments.b)


def _counts(compared: Comparison) -> dict[str, object]:
    return {"equal": compared.equal, "different": len(compared.differing), "unknown": compared.unknown}


def _row(compared: Comparison, row: int) -> tuple[str, ...]:
    stored, other = compared.stored.reading(row), compared.other.reading(row)
    return compared.pvs[row], shown(stored), shown(other), difference_text(stored, other)


def _json(compared: Comparison, row: int) -> dict[str, object]:
    pv = compared.pvs[row]
    return {
        "pv": pv,
        "verdict": compared.verdicts[row].name,
        "stored": reading_json(pv, compared.stored, row),
        "other": reading_json(pv, compared.other, row),
    }
