"""Arguments that several commands share, and what they lead to."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from snapioc.config import load_config, store_url
from snapioc.store import SqlStore

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - what add_subparsers returns
"""The commands of the command line, to which each module adds its own."""


def new_command(
    commands: Commands, name: str, act: Callable[[argparse.Namespace], int], about: str, *, fault_code: int = 1
) -> argparse.ArgumentParser:
    """A command with its help; `act` returns the exit code, and a SnapError that it raises leads to `fault_code`."""
    parser = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    parser.set_defaults(act=act, fault_code=fault_code)
    return parser


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """`--config` and `--json`, which all reading commands have."""
    parser.add_argument(
        "--config", type=Path, default=Path("snapioc.toml"), metavar="FILE", help="the configuration (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON; NaN and infinities are strings in it")


def add_listing_arguments(parser: argparse.ArgumentParser) -> None:
    """`--set` and `--limit`, which all lists have."""
    parser.add_argument("--set", metavar="S", help="only those of this set")
    add_limit_argument(parser)


def add_limit_argument(parser: argparse.ArgumentParser) -> None:
    """`--limit`."""
    parser.add_argument("-n", "--limit", type=_count, default=20, metavar="N", help="at most so many (default: %(default)s)")


def add_filter_argument(parser: argparse.ArgumentParser) -> None:
    """`--filter`, in the syntax of FILTER."""
    parser.add_argument("--filter", default="", metavar="GLOBS", help="only these PVs: comma-separated, !glob excludes")


@asynccontextmanager
async def opened_store(config: Path) -> AsyncIterator[SqlStore]:
    """The store of this configuration, for reading. Raises ConfigError and StoreError."""
    store = SqlStore(store_url(load_config(config)))
    try:
        await store.open(migrate=False)
        yield store
    finally:
        await store.close()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)
