"""Sets as CSV tables: a header row, then a row per PV with what the set says of it."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from snapioc.model import Member, Mode, OnInvalid

from .entries import Entry, Fault
from .macros import expand
from .source import numbered_lines

_T = TypeVar("_T")


def parse_table(text: str, macros: Mapping[str, str]) -> Iterator[tuple[int, Entry]]:
    """What each row says, with its number. Empty cells, and cells that a short row lacks, leave the Member's default."""
    columns: list[str] | None = None
    for number, line in numbered_lines(text):
        if not line or line.startswith("#"):
            continue
        try:
            cells = _cells(line)
            if columns is not None:
                if any(cells):
                    yield number, _member(columns, cells, macros)
                continue
            columns = _header(cells)
        except ValueError as fault:
            yield number, Fault(str(fault))
            if columns is None:
                return
    if columns is None:
        yield 1, Fault("there is no header row; it has at least the column pv")


def _cells(line: str) -> list[str]:
    # One line at a time: a quote that is not closed is then a fault of its own line, and not of the rest of the file.
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True, skipinitialspace=True))]
    except csv.Error as error:
        raise ValueError(f"the line is no CSV: {error}") from error


def _header(cells: Sequence[str]) -> list[str]:
    columns = list(cells)
    while columns and not columns[-1]:
        columns.pop()
    for column in columns:
        if column not in _CONVERTERS:
            raise ValueError(f"unknown column {column!r}; known are {', '.join(_CONVERTERS)}")
        if columns.count(column) > 1:
            raise ValueError(f"the column {column} stands here twice")
    if "pv" not in columns:
        raise ValueError("there is no column pv")
    return columns


def _member(columns: Sequence[str], cells: Sequence[str], macros: Mapping[str, str]) -> Member:
    if any(cells[len(columns) :]):
        raise ValueError(f"the row has {len(cells)} cells, but the header only {len(columns)}")
    values: dict[str, Any] = {"pv": ""}
    for column, cell in zip(columns, cells, strict=False):
        expanded = expand(cell, macros).strip()
        if expanded:
            try:
                values[column] = _CONVERTERS[column](expanded)
            except ValueError as fault:
                raise ValueError(f"{column}: {fault}") from fault
    return Member(**values)


def _amount(cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{cell!r} is no finite number of at least 0")
    return abs(number)


def _integer(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise ValueError(f"{cell!r} is no integer") from None


def _tags(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in re.split(r"[\s;]+", cell) if tag))


def _one_of(choices: Mapping[str, _T]) -> Callable[[str], _T]:
    """A converter for cells that hold one of these words, in capitals or not."""

    def convert(cell: str) -> _T:
        if cell.lower() not in choices:
            raise ValueError(f"{cell!r} is none of {', '.join(choices)}")
        return choices[cell.lower()]

    return convert


_boolean = _one_of({"1": True, "0": False, "yes": True, "no": False, "true": True, "false": False})

_CONVERTERS: Mapping[str, Callable[[str], object]] = {
    "pv": str,
    "readback": str,
    "abs_tol": _amount,
    "rel_tol": _amount,
    "mode": _one_of({mode.value.lower(): mode for mode in Mode}),
    "order": _integer,
    "wait": _boolean,
    "timeout": _amount,
    "ramp": _amount,
    "always": _boolean,
    "required": _boolean,
    "invalid": _one_of({choice.value: choice for choice in OnInvalid}),
    "tags": _tags,
}
"""How a cell of each column becomes the field of Member with the same name."""
