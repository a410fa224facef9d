"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 1_000_000
_NARROWEST = 12
_PADDING = 2


def print_json(content: object) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(content, allow_nan=False) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Lines as they are."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], folding: Sequence[str]) -> None:
    """A table. On a terminal, what is too wide goes on in the next line, first in the columns `folding`.

    Elsewhere each row is one line. No cell is ever cut: half a PV name is none.
    """
    console = Console(highlight=False)
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    terminal = sys.stdout.isatty()
    rigid = sum(width for column, width in zip(columns, widths, strict=True) if column not in folding)
    fits = rigid + len(folding) * _NARROWEST + len(columns) * _PADDING <= console.width
    table = Table(box=SIMPLE_HEAD if terminal else None, pad_edge=False)
    for column, width in zip(columns, widths, strict=True):
        table.add_column(Text(column), overflow="fold", min_width=width if fits and column not in folding else None)
    for row in cells:
        # Text, because rich would take brackets in a plain string for markup.
        table.add_row(*map(Text, row))
    if terminal:
        console.print(table)
    else:
        print_lines(line.rstrip() for line in _plain(table))


def _plain(table: Table) -> list[str]:
    console = Console(file=io.StringIO(), width=_UNBOUNDED, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get().splitlines()


def printable(text: str) -> str:
    """The text in one line and without control characters: titles come from anybody, and a terminal obeys escapes."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
