"""UNDO on real records of every type: bit for bit there and back."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aioca
import numpy as np
import pytest

from .restoring import Site

pytestmark = pytest.mark.usefixtures("ca")

STATES = " ".join(f'field({state}ST, "s{number}")' for number, state in enumerate(("ZR", "ON", "TW", "TH", "FR")))
EDGES = [-0.0, math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1, -1.5, 2.0**53, 1e-300]
WHOLE = [0, -(2**31), 2**31 - 1, 1, -1]
TEXTS = [b"", b"a", b"x" * 39, "µm°".encode("latin-1"), b" blank ends "]
LONG = [b"", b"short", b"y" * 40, b"z" * 150, "Größe".encode() * 12]

NUMBERS: dict[str, list[Any]] = {
    "CHAR": [-128, 127, 0, 65],
    "UCHAR": [0, 255, 128, 66],
    "SHORT": [-(2**15), 2**15 - 1, 0, 7],
    "USHORT": [0, 2**16 - 1, 2**15, 8],
    "LONG": [-(2**31), 2**31 - 1, 0, 9],
    "ULONG": [0, 2**32 - 1, 2**31, 10],
    "INT64": [-(2**53), 2**53, 0, 11],
    "UINT64": [0, 2**53, 2**40, 12],
    "FLOAT": [-0.0, math.nan, math.inf, 1.5, float(np.float32(0.1))],
    "DOUBLE": EDGES,
    "ENUM": [0, 65535, 3, 13],
    "STRING": ["", "a", "x" * 39, "text"],
}
"""Elements of arrays of every FTVL."""

SCALARS: dict[str, tuple[str, str, list[Any]]] = {
    "AO": ("ao", "", EDGES),
    "LONGOUT": ("longout", "", WHOLE),
    "INT64OUT": ("int64out", "", [0, -(2**53), 2**53, 1, -1]),
    "BO": ("bo", 'field(ZNAM, "Off") field(ONAM, "On")', [0, 1]),
    "MBBO": ("mbbo", STATES, [0, 1, 2, 3, 4]),
    "DIRECT": ("mbboDirect", "", [0, 5, 65535]),
    "STRINGOUT": ("stringout", "", TEXTS),
    "LSO": ("lso", 'field(SIZV, "200")', LONG),
}
"""Record type, fields, and values."""

PVS = 1000
ROOM = 6
"""NELM of the arrays."""

KINDS = [*SCALARS, *(f"{kind}:{ftvl}" for kind in ("waveform", "aao") for ftvl in NUMBERS)]


def name_of(row: int) -> str:
    return f"R{row}"


def record(row: int) -> str:
    kind = KINDS[row % len(KINDS)]
    if kind in SCALARS:
        made, fields, _ = SCALARS[kind]
    else:
        made, ftvl = kind.split(":")
        fields = f'field(FTVL, "{ftvl}") field(NELM, "{ROOM}")'
    return f'record({made}, "$(P){name_of(row)}") {{ {fields} }}\n'


def value(row: int, turn: int) -> Any:
    """What is put to a record at a turn: every edge stands somewhere, arrays of 1 to 6 elements."""
    kind, number = KINDS[row % len(KINDS)], row // len(KINDS) + turn
    if kind in SCALARS:
        values = SCALARS[kind][2]
        return values[number % len(values)]
    elements = NUMBERS[kind.split(":")[1]]
    return [elements[(number + place) % len(elements)] for place in range(1 + (number * 5 + turn) % ROOM)]


async def write(site: Site, row: int, what: Any) -> None:
    pv = site.machine + name_of(row)
    if isinstance(what, bytes):
        pv, what = f"{pv}.VAL$", np.frombuffer(what + b"\0", np.uint8)
        await aioca.caput(pv, what, datatype=aioca.DBR_CHAR, wait=True, timeout=30)
        return
    kind = KINDS[row % len(KINDS)].partition(":")[2]
    datatype = {"STRING": aioca.DBR_STRING, "LONG": aioca.DBR_LONG}.get(kind, aioca.DBR_DOUBLE)
    await aioca.caput(pv, what, datatype=datatype, wait=True, timeout=30)


async def bits(site: Site) -> list[Any]:
    """Every record's value as it comes over the wire, to the bit."""
    pvs = [f"{site.machine}{name_of(row)}{'.VAL$' * (KINDS[row % len(KINDS)] == 'LSO')}" for row in range(PVS)]
    return [_bits(found) for found in await aioca.caget(pvs, timeout=60)]


def _bits(found: Any) -> Any:
    if isinstance(found, float):
        return struct.pack("<d", found)
    if isinstance(found, np.ndarray):
        return found.dtype.str, found.shape, found.tolist() if found.dtype.kind in "SUO" else found.tobytes()
    return found


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


async def fill(site: Site, turn: int, rows: Callable[[int], bool] = lambda row: True) -> None:
    await asyncio.gather(*(write(site, row, value(row, turn)) for row in range(PVS) if rows(row)))


async def test_a_thousand_pvs_of_all_types_there_and_back_bit_for_bit(site: Site) -> None:
    rows = [f"{name_of(row)},write" for row in range(PVS)]
    desk = site.snapioc(rows, site.ioc("".join(map(record, range(PVS)))), columns="pv,invalid")
    await fill(site, 0)
    first = await bits(site)
    await desk.save()
    await fill(site, 1)
    second = await bits(site)
    changed = sum(one != other for one, other in zip(first, second, strict=True))
    assert changed > 0.9 * PVS
    for command, wanted in (("RESTORE_ID", first), ("UNDO", second), ("UNDO", first)):
        status = await desk.put(command, 1001 if command == "RESTORE_ID" else 1)
        assert status == 1, (command, await desk.text("FAILURES"))
        found = await bits(site)
        assert [row for row in range(PVS) if found[row] != wanted[row]] == []
        assert await desk.get("N_DONE") == (PVS if command == "RESTORE_ID" else changed)
        assert (await desk.record())["written"] == changed
    assert [one["id"] for one in await desk.json("list")] == [1001]


EMPTY = """
record(waveform, "$(P)A") { field(FTVL, "DOUBLE") field(NELM, "3") }
record(aao, "$(P)B") { field(FTVL, "CHAR") field(NELM, "3") }
record(waveform, "$(P)C") { field(FTVL, "STRING") field(NELM, "3") }
"""


async def test_empty_arrays_are_restored_and_undone(site: Site) -> None:
    desk = site.snapioc(["A,write", "B,write", "C,write"], site.ioc(EMPTY), columns="pv,invalid")
    empty = desk.machine()
    assert empty == {"A": [], "B": [], "C": []}
    await desk.save()
    filled: dict[str, Any] = {"A": [1.0, 2.0], "B": [1, 2], "C": ["a", "b"]}
    await desk.set(**filled)
    now = desk.machine()
    await desk.save()
    status = await desk.put("RESTORE_ID", 1001)
    await desk.check(status, now, empty)
    assert (status, desk.machine()) == (1, empty)
    assert await desk.put("UNDO", 1) == 1, await desk.text("FAILURES")
    assert desk.machine() == now
    assert await desk.put("UNDO", 1) == 1, await desk.text("FAILURES")
    assert desk.machine() == empty
