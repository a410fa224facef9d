"""The machine that is read: C IOCs whose records are mixed as in a real set of setpoints."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.iocs import SoftIoc

PER_IOC = 250_000
"""Records in one IOC at most."""


@dataclass(frozen=True)
class Targets:
    """Running IOCs: where they are, and the file with the names of their records."""

    addresses: list[str]
    names: Path
    size: int


@contextmanager
def targets(size: int, folder: Path) -> Iterator[Targets]:
    """`size` records over as few IOCs as hold them; 80 % ao, 10 % longout, 3 % mbbo, 2 % bo, 3 % stringout, 2 % waveform."""
    prefix = f"B{secrets.token_hex(3)}:"
    rows = range(size)
    with ExitStack() as stack:
        parts = [rows[start : start + PER_IOC] for start in range(0, size, PER_IOC)]
        iocs = [stack.enter_context(SoftIoc("".join(record(prefix, row) for row in part))) for part in parts]
        names = folder / f"{size}.req"
        names.write_text("".join(f"{name(prefix, row)}\n" for row in rows))
        yield Targets([ioc.address for ioc in iocs], names, size)


def name(prefix: str, row: int) -> str:
    """The name of a record, about as long as real ones."""
    return f"{prefix}SR:C{row // 1000:04}:MAG{row % 1000:03}:I-SET"


def record(prefix: str, row: int) -> str:
    """A record with a value of its own, processed at start so that it has a time and no alarm."""
    kind, fields = _fields(row)
    return f'record({kind}, "{name(prefix, row)}") {{ {fields} }}\n'


def _fields(row: int) -> tuple[str, str]:
    place = row % 100
    if place < 80:
        return "ao", f'field(VAL, "{row}.25") field(EGU, "A") field(PREC, "3") field(PINI, "YES")'
    if place < 90:
        return "longout", f'field(VAL, "{row}") field(PINI, "YES")'
    if place < 93:
        states = " ".join(f'field({state}ST, "{label}")' for state, label in zip(_STATES, _LABELS, strict=True))
        return "mbbo", f'{states} field(VAL, "{row % 4}") field(PINI, "YES")'
    if place < 95:
        return "bo", f'field(ZNAM, "Off") field(ONAM, "On") field(VAL, "{row % 2}") field(PINI, "YES")'
    if place < 98:
        return "stringout", f'field(VAL, "orbit {row}") field(PINI, "YES")'
    length = 100 + row * 37 % 901
    # A constant link fills the array when the IOC starts, so that it holds as many elements as it can.
    constant = ",".join(map(str, range(row, row + length)))
    return "waveform", f'field(FTVL, "DOUBLE") field(NELM, "{length}") field(INP, "[{constant}]") field(PINI, "YES")'


_STATES = ("ZR", "ON", "TW", "TH")
_LABELS = ("Off", "Ramp", "Hold", "Degauss")
