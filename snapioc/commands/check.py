"""`snapioc check`: the configuration and every PV list, and what the machine says to them."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from snapioc.config import Config, load_config, load_sets
from snapioc.model import ChannelStates, PvSet, Readings, Reason

from .arguments import Commands, add_reading_arguments, new_command
from .checking import SetFindings, examine, in_several_sets, set_json, set_lines, shared_lines
from .machine import connected
from .output import print_json, print_lines

_ABOUT = (
    "check the configuration and every PV list, then connect and say who is missing, which texts a plain read would cut, "
    "and what cannot be written; exit code 1 if anything is missing or wrong"
)


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = new_command(commands, "check", _act, _ABOUT)
    parser.add_argument("--no-connect", action="store_true", help="look at the files only")
    add_reading_arguments(parser)


def _act(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config)
    sets = load_sets(config)
    findings: Sequence[SetFindings | None] = [None] * len(sets)
    permit_fault = None
    if not arguments.no_connect:
        findings, permit_fault = asyncio.run(_ask_machine(config, sets))
    shared = in_several_sets(sets)
    if arguments.json:
        content = {"sets": [set_json(*pair) for pair in zip(sets, findings, strict=True)], "in_several_sets": shared}
        print_json(content | {"permit_pv": {"pv": config.restore.permit_pv, "reason": permit_fault}})
    else:
        lines = [line for pair in zip(sets, findings, strict=True) for line in set_lines(*pair)]
        fault_line = [f"{config.restore.permit_pv}\t{permit_fault}: no restore is possible"] if permit_fault else []
        print_lines([*lines, *shared_lines(shared), *fault_line])
    sound = permit_fault is None and all(found is None or found.sound for found in findings)
    return 0 if sound else 1


async def _ask_machine(config: Config, sets: Sequence[PvSet]) -> tuple[list[SetFindings], str | None]:
    """The findings of each set, and why `permit_pv` cannot be read, if there is one that cannot."""
    permit = [config.restore.permit_pv] if config.restore.permit_pv else []
    pvs = list(dict.fromkeys([*permit, *(pv for pv_set in sets for pv in pv_set.pvs)]))
    states, readings = await _read(config, pvs)
    row_of = {pv: row for row, pv in enumerate(pvs)}
    findings = []
    for pv_set in sets:
        rows = [row_of[pv] for pv in pv_set.pvs]
        findings.append(examine(pv_set, states.select(rows), readings.select(rows)))
    reason = Reason(readings.reason[0]) if permit else Reason.OK
    return findings, None if reason is Reason.OK else reason.text


async def _read(config: Config, pvs: Sequence[str]) -> tuple[ChannelStates, Readings]:
    async with connected(pvs, config.channels.connect_timeout) as channels:
        readings = await channels.read(pvs, config.channels.read_timeout)
        return await channels.states(pvs), readings
