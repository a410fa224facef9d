"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_FOLDED = 16
"""Characters that a column which folds has at least."""

_GAP = 2
"""Blanks between columns."""


def print_json(content: object) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(content, allow_nan=False) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Lines as they are."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], folding: Sequence[str]) -> None:
    """A table. On a terminal, what is too wide in the columns `folding` goes on in the next line.

    Elsewhere each row is one line. No cell is ever cut: half a PV name is none.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    if sys.stdout.isatty():
        narrowest = [min(w, _FOLDED) if name in folding else w for name, w in zip(columns, widths, strict=True)]
        _print_rich(columns, cells, folding, sum(narrowest) + _GAP * len(columns))
    else:
        print_lines(_plain(row, widths) for row in [columns, *cells])


def _print_rich(columns: Sequence[str], cells: Iterable[Sequence[str]], folding: Sequence[str], needed: int) -> None:
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(Text(name), overflow="fold", no_wrap=name not in folding)
    for row in cells:
        # Text, because rich would take brackets in a plain string for markup.
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    # A terminal that is narrower breaks the lines itself; rich would squeeze every column.
    console.width = max(console.width, needed)
    console.print(table)


def _plain(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width + _GAP - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
    return "".join(padded).rstrip()


def printable(text: str) -> str:
    """The text in one line and without control characters: titles come from anybody, and a terminal obeys escapes."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
