"""`snapioc list`: the snapshots in the store."""

from __future__ import annotations

import argparse
import asyncio
import time
from functools import partial

from snapioc.model import AFTER_RESTORE, AUTOMATIC, BEFORE_RESTORE, MANUAL, Page, Refused, SnapError, SnapshotHeader, Wanted
from snapioc.operations.finding.moments import moment

from .arguments import Commands, add_listing_arguments, add_reading_arguments, new_command, opened_store
from .output import print_json, print_table
from .values import by_text, header_json, kind_text, local_time

_COLUMNS = ("id", "time", "set", "kind", "title", "tags", "by", "ok/total", "missing", "invalid")
_UNDO = (BEFORE_RESTORE, AFTER_RESTORE)
_KINDS = {"manual": (MANUAL,), "automatic": (AUTOMATIC,), "all": (MANUAL, AUTOMATIC), "undo": _UNDO}
_FILTERS = ("title", "tag", "since", "until", "pv")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = new_command(commands, "list", _act, "list snapshots, the newest first; exit code 1 if there are none")
    parser.add_argument("--title", default="", metavar="TEXT", help="only with this in the title, or with this glob for it")
    parser.add_argument("--tag", default="", metavar="TAG", help="only with this tag")
    parser.add_argument("--since", type=_time, metavar="TIME", help="only from then on: 2026-07-31T14:30, 3d (ago)")
    parser.add_argument("--until", type=partial(_time, last=True), metavar="TIME", help="only up to then")
    parser.add_argument("--pv", default="", metavar="PV", help="only those that hold this PV")
    kinds = "made by hand (default), by itself, both, or by restores before and after writing"
    parser.add_argument("--kind", choices=_KINDS, default="manual", help=f"manual, automatic, all, undo: {kinds}")
    parser.add_argument("--undo", action="store_true", help="also those that restores took before and after writing")
    add_listing_arguments(parser)
    add_reading_arguments(parser)


def _act(arguments: argparse.Namespace) -> int:
    headers = asyncio.run(_find(arguments)).headers
    if arguments.json:
        print_json([header_json(header) for header in headers])
    if not headers:
        raise SnapError(_nothing(arguments))
    if not arguments.json:
        print_table(_COLUMNS, [_row(header) for header in headers], folding=("title", "tags", "kind"))
    return 0


async def _find(arguments: argparse.Namespace) -> Page:
    wanted = Wanted(
        kinds=_KINDS[arguments.kind] + (_UNDO if arguments.undo else ()),
        set_name=arguments.set or "",
        **{name: getattr(arguments, name) for name in _FILTERS},
    )
    async with opened_store(arguments.config) as store:
        return await store.find(wanted, limit=arguments.limit)


def _nothing(arguments: argparse.Namespace) -> str:
    if any(getattr(arguments, name) for name in _FILTERS):
        return "there is no such snapshot"
    kind = "" if arguments.kind in ("manual", "all") else f"{arguments.kind} "
    return f"there is no {kind}snapshot of set {arguments.set}" if arguments.set else f"there is no {kind}snapshot yet"


def _time(text: str, *, last: bool = False) -> float:
    try:
        return moment(text, time.time(), last=last)
    except Refused as refused:
        raise argparse.ArgumentTypeError(str(refused)) from None


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
