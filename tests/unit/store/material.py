"""Readings and sets to store, and what it means that two of them are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DbrType, Flag, Member, Metadata, PvSet, Readings, ReadingsBuilder, Reason
from snapioc.model.readings import _COLUMNS

MAGNET = Metadata(units="A", precision=3, limits=(500.0, -500.0, 450.0, 400.0, -400.0, -450.0, 500.0, -500.0))
VALVE = Metadata(labels=("Closed", "Open", "Ünknown"))
PAYLOAD_NAN = np.array([0x7FF8_DEAD_BEEF_0001], "<u8").view("<f8")


def pv_set(pvs: Sequence[str], name: str = "SR") -> PvSet:
    """A set of plain members."""
    return PvSet(name, tuple(Member(pv) for pv in pvs))


def numbered(count: int, name: str = "SR") -> PvSet:
    """A set of `count` PVs."""
    return pv_set([f"SR:C{i // 100:03}:MAG{i % 100:02}:SETPOINT" for i in range(count)], name)


def everything() -> Readings:
    """One reading of each kind there is: types, bounds of their values, texts, arrays, and all that can be missing."""
    rows: list[tuple[DbrType, object, dict[str, object]]] = [
        (DbrType.DOUBLE, -0.0, {"metadata": MAGNET, "seconds": 2**32 - 1, "nanoseconds": 999_999_999}),
        (DbrType.DOUBLE, PAYLOAD_NAN, {"status": 17, "severity": 3}),
        (DbrType.DOUBLE, np.array([np.inf, -np.inf, 5e-324]), {}),
        (DbrType.FLOAT, np.array([1.1], "<f4"), {"metadata": Metadata(limits=(float("nan"), -0.0, 1e308, 0, 0, 0, 0, 0))}),
        (DbrType.LONG, -(2**31), {}),
        (DbrType.LONG, 2**31 - 1, {"metadata": MAGNET}),
        (DbrType.SHORT, np.arange(-3, 4, dtype="<i2"), {}),
        (DbrType.ENUM, 2, {"metadata": VALVE}),
        (DbrType.CHAR, np.frombuffer(b"\x00\xff a text", "<u1"), {}),
        (DbrType.CHAR, np.array([], "<u1"), {}),
        (DbrType.STRING, b"\xff\xfe not UTF-8", {}),
        (DbrType.STRING, b"", {}),
        (DbrType.STRING, b"x" * 39, {"flags": Flag.CUT}),
        (DbrType.STRING, b"y" * 3000, {"flags": Flag.LONG}),
        (DbrType.STRING, [b"one", b"", b"three"], {}),
        (DbrType.DOUBLE, np.linspace(0, 1, 20_000), {"status": 65_535, "severity": 2}),
    ]
    builder = ReadingsBuilder(len(rows) + len(Reason) - 1)
    for row, (dbr_type, value, more) in enumerate(rows):
        builder.add(row, dbr_type, value, **more)  # type: ignore[arg-type]
    for row, reason in enumerate([reason for reason in Reason if reason is not Reason.OK], len(rows)):
        builder.missing(row, reason)
    return builder.build(1_753_000_000.123456, 1_753_000_000.2)


def doubles(values: NDArray[np.float64], second: int = 1_000_000, seed: int = 0) -> Readings:
    """Readings of single doubles, read within one second at random nanoseconds."""
    count = len(values)
    nanoseconds = np.random.default_rng(seed).integers(0, 10**9, count).astype("<u4")
    blank = ReadingsBuilder(count, Reason.OK).build(1_753_000_000.0 + second, 1_753_000_000.5 + second)
    return replace(
        blank,
        dbr_type=np.full(count, DbrType.DOUBLE, "<u1"),
        count=np.ones(count, "<i4"),
        bits=values.astype("<f8").view("<u8"),
        seconds=np.full(count, second, "<u4"),
        nanoseconds=nanoseconds,
        metadata=np.zeros(count, "<i4"),
        metadatas=(MAGNET,),
    )


def random_bits(count: int, seed: int) -> NDArray[np.float64]:
    """Doubles of which every bit is noise: the worst that can be stored."""
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64).view("<f8")


def assert_same(left: Readings, right: Readings) -> None:
    """Both hold the same, to the last bit; metadata may stand in another order."""
    for name in set(_COLUMNS) - {"metadata"}:
        assert getattr(left, name).dtype == getattr(right, name).dtype, name
        assert getattr(left, name).tobytes() == getattr(right, name).tobytes(), name
    assert left.offsets.tolist() == right.offsets.tolist()
    assert left.heap == right.heap
    assert (left.started, left.finished) == (right.started, right.finished)
    for a, b in zip(left.metadata.tolist(), right.metadata.tolist(), strict=True):
        assert (a < 0) == (b < 0)
        assert a < 0 or repr(left.metadatas[a]) == repr(right.metadatas[b])
