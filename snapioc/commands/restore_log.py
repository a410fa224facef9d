"""`snapioc restore-log`: one restore with what became of each PV."""

from __future__ import annotations

import argparse
import asyncio

from snapioc.model import Outcomes, PvSet, PvVerdict, RestoreRecord, chosen_pvs

from .arguments import Commands, add_filter_argument, add_reading_arguments, new_command, opened_store
from .output import print_json, print_lines, print_table, printable
from .restore_values import counts_text, failed, record_json, result_text, verdict_name, verdict_text
from .values import by_text, local_time


def add_to(commands: Commands) -> None:
    """Declare the command."""
    about = "show a restore with what became of each PV; exit code 1 if it is not there"
    parser = new_command(commands, "restore-log", _act, about)
    parser.add_argument("id", type=int, metavar="N", help="the restore")
    parser.add_argument("--failed", action="store_true", help="only PVs that are not as they were wanted")
    parser.add_argument("--changed", action="store_true", help="without PVs that held their values and were left alone")
    add_filter_argument(parser)
    add_reading_arguments(parser)


def _act(arguments: argparse.Namespace) -> int:
    record, pv_set, outcomes = asyncio.run(_load(arguments))
    rows = _chosen(arguments, pv_set, outcomes)
    if arguments.json:
        names = ("pv", "verdict", "text")
        lines = [(pv, verdict_name(verdict), text) for pv, verdict, text in rows]
        print_json(record_json(record) | {"outcomes": [dict(zip(names, line, strict=True)) for line in lines]})
        return 0
    print_lines(_header_lines(record, outcomes))
    if rows:
        print_lines([""])
        table = [(pv, verdict_text(verdict), text) for pv, verdict, text in rows]
        print_table(("pv", "verdict", "text"), table, folding=("text",))
    return 0


async def _load(arguments: argparse.Namespace) -> tuple[RestoreRecord, PvSet, Outcomes]:
    async with opened_store(arguments.config) as store:
        return await store.outcomes(arguments.id)


def _chosen(arguments: argparse.Namespace, pv_set: PvSet, outcomes: Outcomes) -> list[tuple[str, int, str]]:
    """PV, verdict and text of those that the arguments choose. Raises SnapError if the filter chooses none."""
    numbered = zip(outcomes.rows.tolist(), outcomes.verdicts.tolist(), strict=True)
    rows = [(pv_set.pvs[row], verdict, outcomes.texts.get(row, "")) for row, verdict in numbered]
    chosen = set(chosen_pvs([pv for pv, _, _ in rows], arguments.filter)) if arguments.filter else None
    rows = [row for row in rows if chosen is None or row[0] in chosen]
    if arguments.changed:
        rows = [row for row in rows if row[1] != PvVerdict.UNCHANGED]
    return [row for row in rows if failed(row[1])] if arguments.failed else rows


def _header_lines(record: RestoreRecord, outcomes: Outcomes) -> list[str]:
    new = record.new
    known = {
        "restore": f"{record.id}" if new.undoes is None else f"{record.id}, takes back restore {new.undoes}",
        "snapshot": f"{new.snapshot_id}",
        "set": new.set_name,
        "begun": local_time(record.begun_at),
        "ended": "" if record.ended_at is None else local_time(record.ended_at),
        "by": by_text(new.origin),
        "group": new.origin.group,
        "filter": new.filter,
        "policy": new.policy,
        "changed only": _yes_no(new.changed_only),
        "verify": _yes_no(new.verify),
        "before it": _snapshot(record.undo_id),
        "left by it": _snapshot(record.after_id),
        "result": result_text(record),
        "message": record.message,
        "written": f"{record.written}",
        "PVs": counts_text(outcomes),
    }
    return [f"{name:12}  {printable(value)}" for name, value in known.items() if value]


def _snapshot(snapshot_id: int | None) -> str:
    return "" if snapshot_id is None else f"snapshot {snapshot_id}"


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"
