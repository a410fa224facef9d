"""`snapioc demo`: the demo machine with snapioc on it, on loopback only."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from snapioc.config import Config, load_config
from snapioc.demo import LOOPBACK, DemoMachine, client_variables, free_port, prepare, server_environment
from snapioc.model import FIRST_ID, SnapError, StoreError

from .arguments import Commands, new_command, opened_store
from .demo_story import story
from .log import log_to_stderr
from .output import print_lines

_PORT = 15064
_MACHINE_PORT = 15066


def add_to(commands: Commands) -> None:
    """Declare the command."""
    about = "start a demo machine of 1,000 records and snapioc on it, on loopback only; Ctrl-C stops both"
    parser = new_command(commands, "demo", _act, about)
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path("snapioc-demo"),
        metavar="D",
        help="where configuration, PV lists and snapshots are kept from run to run (default: %(default)s)",
    )
    parser.add_argument("--port", type=int, metavar="N", help="the port of snapioc (default: one that is free)")


def _act(arguments: argparse.Namespace) -> int:
    log_to_stderr(verbose=False)
    try:
        config_file = prepare(arguments.directory.absolute())
        port = _port(arguments.port)
        machine = DemoMachine(free_port(_MACHINE_PORT, but=port), config_file.with_name("machine.log"))
    except (OSError, OverflowError) as fault:
        raise SnapError(str(fault)) from fault
    config = load_config(config_file, {"port": port, "interfaces": [LOOPBACK]})
    print_lines(["starting the demo machine ..."])
    sys.stdout.flush()
    with machine:
        # libca and caproto read the environment when they start, which they do in the import below.
        os.environ.update(server_environment(os.environ, port) | client_variables(machine.port))
        asyncio.run(_serve(config, client_variables(port, machine.port)))
    print_lines(["stopped"])
    return 0


def _port(wanted: int | None) -> int:
    port = free_port(wanted or _PORT)
    # Another server on the same UDP port would get half of the searches, as both are asked by address.
    if wanted and port != wanted:
        raise SnapError(f"port {wanted} of {LOOPBACK} is in use")
    return port


async def _serve(config: Config, variables: Mapping[str, str]) -> None:
    from snapioc.application import run_ioc

    lines = story(config, variables, await _next_id(config))

    def tell() -> None:
        print_lines(lines)
        sys.stdout.flush()

    await run_ioc(config, serving=tell)


async def _next_id(config: Config) -> int:
    """The id that the next snapshot will get, if none was deleted."""
    try:
        async with opened_store(config.path) as store:
            newest = await store.headers(limit=1, undo=True)
    except StoreError:
        # There is no store before the first run; any other fault is for the IOC to meet, which says so in STORE_OK.
        return FIRST_ID
    return newest[0].id + 1 if newest else FIRST_ID
