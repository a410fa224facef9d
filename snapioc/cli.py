"""The command line: which commands there are, and how each ends.

Decided: exit codes are a contract with scripts. 0 done; 1 what was asked for is not there or could not be done; 2 the
command line is wrong; `diff` answers like diff(1): 1 differs, 2 trouble. Faults are a line on stderr, never a traceback.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from snapioc import __version__
from snapioc.commands import audit, check, demo, diff, events, listing, restore_log, restores, run, show
from snapioc.model import SnapError

_COMMANDS = (run, demo, check, listing, show, diff, events, restores, restore_log, audit)
_STOPPED_BY_SIGINT = 130
_STOPPED_BY_SIGPIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments (default: those of the process) say; returns the exit code."""
    arguments = _parser().parse_args(argv)
    _print_everything_somehow()
    try:
        code: int = arguments.act(arguments)
        sys.stdout.flush()
    except SnapError as fault:
        sys.stderr.write(f"snapioc {arguments.command}: {fault}\n")
        return int(arguments.fault_code)
    except KeyboardInterrupt:
        return _STOPPED_BY_SIGINT
    except BrokenPipeError:
        # Whoever read from us has had enough; without this, Python complains when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _STOPPED_BY_SIGPIPE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="snapioc",
        description="Save and restore the state of a machine over Channel Access.",
        epilog="Exit codes: 0 done; 1 what was asked for is not there or could not be done; 2 the command line is wrong.",
    )
    parser.add_argument("--version", action="version", version=f"snapioc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_to(commands)
    return parser


def _print_everything_somehow() -> None:
    """A unit or label that the terminal's encoding lacks must not end a listing half way."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
