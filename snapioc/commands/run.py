"""`snapioc run`: the IOC."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from snapioc.config import load_config

from .arguments import Commands, new_command
from .log import log_to_stderr


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = new_command(commands, "run", _act, "run the IOC until SIGTERM or SIGINT")
    parser.add_argument("config", type=Path, metavar="FILE", help="the configuration")
    parser.add_argument("--prefix", metavar="P", help="the prefix of our PVs, instead of the configuration's")
    parser.add_argument("--port", type=int, metavar="N", help="the port that clients search on (default 5064)")
    parser.add_argument("--interfaces", nargs="+", metavar="A", help="the addresses to listen on (default all)")
    parser.add_argument("--list-pvs", action="store_true", help="print the names of our PVs at the start")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more")


def _act(arguments: argparse.Namespace) -> int:
    log_to_stderr(verbose=arguments.verbose)
    given = {name: getattr(arguments, name) for name in ("prefix", "port", "interfaces")}
    config = load_config(arguments.config, {name: value for name, value in given.items() if value is not None})
    # Imported here because it loads libca and caproto, which the commands that read the store can do without.
    from snapioc.application import run_ioc

    asyncio.run(run_ioc(config, list_pvs=arguments.list_pvs))
    return 0
