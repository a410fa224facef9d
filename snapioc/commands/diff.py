"""`snapioc diff`: what differs between two snapshots, or between a snapshot and the machine."""

from __future__ import annotations

import argparse
import asyncio

import numpy as np

from snapioc.config import Config, load_config
from snapioc.model import (
    LIVE,
    Comparison,
    Difference,
    Readings,
    SnapError,
    Snapshot,
    Verdict,
    asked_pvs,
    compare_live,
    compare_snapshots,
    differences,
    exactly,
    largest_first,
)

from .arguments import Commands, add_filter_argument, add_reading_arguments, new_command, opened_store
from .machine import connected
from .output import print_json, print_lines, print_table
from .values import Json, header_json, local_time, reading_json

_ABOUT = (
    "show what differs between two snapshots, or between a snapshot and the live machine, within the tolerances of the set "
    "as it was at A, the largest differences first; exit code 0 if nothing differs, 1 if something does, 2 if they cannot "
    "be compared"
)


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = new_command(commands, "diff", _act, _ABOUT, fault_code=2)
    parser.add_argument("a", type=int, metavar="A", help="the snapshot that tells what is right")
    parser.add_argument("b", type=_other_side, metavar=f"B|{LIVE}", help=f"the other snapshot, or {LIVE}: the machine now")
    parser.add_argument(
        "--exact", action="store_true", help="bit for bit, without tolerances: what a restore of A would write"
    )
    add_filter_argument(parser)
    add_reading_arguments(parser)


def _other_side(text: str) -> int | None:
    """An id, or None for the machine. Raises ValueError."""
    return None if text == LIVE else int(text)


def _act(arguments: argparse.Namespace) -> int:
    compared, stored, other = asyncio.run(_compared(arguments))
    _require_anything(compared)
    compared = exactly(compared) if arguments.exact else compared
    rows = [int(row) for row in largest_first(compared)]
    found = list(zip(rows, differences(compared, rows), strict=True))
    if arguments.json:
        sides = {"stored": header_json(stored.header), "other": _side_json(other)}
        print_json({**sides, **_counts(compared), "differences": [_json(compared, *pair) for pair in found]})
    else:
        if found:
            columns = ("pv", *compared.names, "difference")
            cells = [(said.pv, said.stored, said.other, said.difference) for _, said in found]
            print_table(columns, cells, folding=columns[1:])
        print_lines([", ".join(f"{count} {name}" for name, count in _counts(compared).items())])
    return 1 if found else 0


async def _compared(arguments: argparse.Namespace) -> tuple[Comparison, Snapshot, Snapshot | Readings]:
    """The comparison and its two sides."""
    async with opened_store(arguments.config) as store:
        stored = await store.load(arguments.a)
        if arguments.b is not None:
            other = await store.load(arguments.b)
            return compare_snapshots(stored, other, arguments.filter), stored, other
    pvs = asked_pvs(stored, arguments.filter)
    live = await _read(load_config(arguments.config), stored.header.set_name, pvs)
    return compare_live(stored, pvs, live), stored, live


async def _read(config: Config, set_name: str, pvs: tuple[str, ...]) -> Readings:
    """What the machine holds now, read within the time of the set, if it is still configured."""
    own = [known.read_timeout for known in config.sets if known.name == set_name and known.read_timeout]
    timeout = own[0] if own else config.channels.read_timeout
    # Channels that have just connected know the labels of their states.
    async with connected(pvs, max(config.channels.connect_timeout, timeout)) as channels:
        return await channels.read(pvs, timeout)


def _require_anything(compared: Comparison) -> None:
    if not np.any(compared.verdicts <= Verdict.DIFFERENT):
        pv, why = compared.missing[0]
        raise SnapError(f"none of {len(compared.pvs)} PVs is there on both sides ({pv}: {why})")


def _counts(compared: Comparison) -> dict[str, int]:
    return {"equal": compared.equal, "different": compared.different, "unknown": compared.unknown}


def _side_json(side: Snapshot | Readings) -> Json:
    if isinstance(side, Snapshot):
        return header_json(side.header)
    return {"id": LIVE, "time": local_time(side.started), "skew_ms": side.skew * 1e3}


def _json(compared: Comparison, row: int, said: Difference) -> Json:
    return {
        "pv": said.pv,
        "verdict": Verdict(compared.verdicts[row]).name,
        "difference": said.difference,
        "stored": reading_json(said.pv, compared.stored, row),
        "other": reading_json(said.pv, compared.other, row),
    }
