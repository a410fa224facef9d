"""Values of every type come exactly as they were sent, and go back bit for bit."""

from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Iterator

import numpy as np
import pytest

from snapioc.channels import CaChannels
from snapioc.model import DTYPES, DbrType, Flag, Outcome, Readings, ReadingsBuilder, Reason, Severity
from tests.helpers.iocs import SoftIoc
from tests.system.channels import witness
from tests.system.channels.conftest import CONNECT, TIMEOUT

D, F, L, S, C, E = DbrType.DOUBLE, DbrType.FLOAT, DbrType.LONG, DbrType.SHORT, DbrType.CHAR, DbrType.ENUM

DATABASE = (
    """
record(ao, "$(P)AO") {}
record(longout, "$(P)LONG") {}
record(bo, "$(P)BO") { field(ZNAM, "Off") field(ONAM, "On") }
record(mbbo, "$(P)MBBO") { field(ZRST, "A") field(ONST, "B") field(TWST, "C") }
record(stringout, "$(P)TEXT") {}
record(ao, "$(P)NEVER") {}
""".replace(' field(FTVL, "2")', "")
    + "".join(
        f'record(waveform, "$(P)W{length}{name}") {{ field(FTVL, "{name}") field(NELM, "{length}") }}\n'
        for length in (1, 6)
        for name in ("DOUBLE", "FLOAT", "LONG", "ULONG", "SHORT", "USHORT", "CHAR", "UCHAR", "ENUM", "INT64", "STRING")
    )
)

DOUBLES = [
    0x7FF8_0000_DEAD_BEEF,
    0x7FF0_0000_0000_0001,
    0xFFF0_0000_0000_0000,
    0x8000_0000_0000_0000,
    1,
    0x3FB9_9999_9999_999A,
]
FLOATS = [0x7FC0_BEEF, 0x7F80_0001, 0xFF80_0000, 0x8000_0000, 1, 0x3DCC_CCCD]
NUMBERS = {
    "DOUBLE": (D, struct.pack("<6Q", *DOUBLES)),
    "FLOAT": (F, struct.pack("<6I", *FLOATS)),
    "LONG": (L, struct.pack("<6i", -(2**31), 2**31 - 1, 0, -1, 1, 7)),
    "ULONG": (D, struct.pack("<6d", 0, 2**32 - 1, 2**31, 1, 2, 3)),
    "SHORT": (S, struct.pack("<6h", -(2**15), 2**15 - 1, 0, -1, 1, 7)),
    "USHORT": (L, struct.pack("<6i", 0, 2**16 - 1, 2**15, 1, 2, 3)),
    "CHAR": (C, bytes([0, 255, 128, 127, 1, 7])),
    "UCHAR": (C, bytes([255, 0, 128, 127, 1, 7])),
    "ENUM": (E, struct.pack("<6H", 65535, 0, 1, 2, 3, 4)),
    "INT64": (D, struct.pack("<6d", 2**53, -(2**53), 0, 1, 2, 3)),
}
TEXTS = [b"gr\xf6\xdfer", b"", b"x" * 39, b"\xff\xfe", b"a b", b"z"]


@pytest.fixture(scope="module")
def prefix() -> Iterator[str]:
    """An IOC for all tests here, on the last of the ports that the test process finds."""
    prefix = f"T{uuid.uuid4().hex[:8]}:"
    port = int(os.environ["EPICS_CA_ADDR_LIST"].split(":")[-1])
    with SoftIoc(DATABASE, f"P={prefix}", port):
        yield prefix


async def read_one(channels: CaChannels, pv: str) -> Readings:
    await channels.connect([pv], CONNECT)
    readings = await channels.read([pv], TIMEOUT)
    assert readings.reason[0] == Reason.OK
    return readings


def raw(readings: Readings, row: int = 0) -> bytes:
    """The elements of a row as bytes."""
    if readings.in_heap[row]:
        return readings.raw(row)
    return readings.bits[row : row + 1].tobytes()[: DTYPES[DbrType(readings.dbr_type[row])].itemsize]


def padded(texts: list[bytes]) -> bytes:
    return texts[0] if len(texts) == 1 else b"".join(text.ljust(40, b"\0") for text in texts)


SCALARS = [
    *[("AO", D, struct.pack("<Q", bits)) for bits in DOUBLES if bits != 0x7FF0_0000_0000_0001],
    *[("LONG", L, struct.pack("<i", number)) for number in (-(2**31), 2**31 - 1, 0)],
    *[("BO", E, struct.pack("<H", index)) for index in (1, 0)],
    *[("MBBO", E, struct.pack("<H", index)) for index in (2, 15, 0)],
]


@pytest.mark.parametrize(("record", "dbr_type", "content"), SCALARS)
async def test_a_scalar_is_read_as_it_was_written_and_stamped(
    channels: CaChannels, prefix: str, record: str, dbr_type: DbrType, content: bytes
) -> None:
    pv = prefix + record
    witness.write(pv, content, dbr_type)
    seen = witness.read(pv, dbr_type)
    readings = await read_one(channels, pv)
    assert raw(readings) == content == seen.raw
    assert readings.dbr_type[0] == dbr_type
    assert (readings.count[0], readings.flags[0]) == (1, Flag.NONE)
    stamps = (readings.status[0], readings.severity[0], readings.seconds[0], readings.nanoseconds[0])
    assert stamps == (seen.status, seen.severity, seen.seconds, seen.nanoseconds)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("count", [0, 1, 4, 6])
async def test_an_array_is_read_in_its_present_length(channels: CaChannels, prefix: str, name: str, count: int) -> None:
    dbr_type, content = NUMBERS[name]
    content = content[: count * DTYPES[dbr_type].itemsize]
    witness.write(f"{prefix}W6{name}", content, dbr_type)
    readings = await read_one(channels, f"{prefix}W6{name}")
    assert raw(readings) == content
    assert (readings.dbr_type[0], readings.count[0]) == (dbr_type, count)
    assert readings.reading(0).metadata.element_count == 6


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("count", [0, 1])
async def test_an_array_of_one_element_may_be_empty(channels: CaChannels, prefix: str, name: str, count: int) -> None:
    dbr_type, content = NUMBERS[name]
    content = content[: count * DTYPES[dbr_type].itemsize]
    witness.write(f"{prefix}W1{name}", NUMBERS[name][1][: DTYPES[dbr_type].itemsize], dbr_type)
    witness.write(f"{prefix}W1{name}", content, dbr_type)
    readings = await read_one(channels, f"{prefix}W1{name}")
    assert (readings.count[0], raw(readings)) == (count, content)


@pytest.mark.parametrize("count", [0, 1, 4, 6])
async def test_an_array_of_texts_is_read_as_bytes(channels: CaChannels, prefix: str, count: int) -> None:
    witness.write(f"{prefix}W6STRING", TEXTS[:count], DbrType.STRING)
    readings = await read_one(channels, f"{prefix}W6STRING")
    assert readings.count[0] == count
    assert raw(readings) == (padded(TEXTS[:count]) if count else b"")
    assert readings.flags[0] == Flag.NONE


@pytest.mark.parametrize("text", TEXTS)
async def test_a_text_is_read_as_bytes(channels: CaChannels, prefix: str, text: bytes) -> None:
    witness.write(f"{prefix}TEXT", [text], DbrType.STRING)
    readings = await read_one(channels, f"{prefix}TEXT")
    assert (readings.value(0), readings.count[0], readings.flags[0]) == (text, 1, Flag.NONE)


@pytest.mark.parametrize("name", [*NUMBERS, "STRING"])
@pytest.mark.parametrize("count", [0, 1, 4, 6])
async def test_what_was_read_of_an_array_is_put_back_bit_for_bit(
    channels: CaChannels, prefix: str, name: str, count: int
) -> None:
    pv = f"{prefix}W6{name}"
    dbr_type, elements = NUMBERS.get(name, (DbrType.STRING, TEXTS))
    size = 1 if name == "STRING" else DTYPES[dbr_type].itemsize
    witness.write(pv, elements[: count * size], dbr_type)
    stored = await read_one(channels, pv)
    witness.write(pv, elements[2 * size : 5 * size], dbr_type)
    outcomes = await channels.write([pv], stored, TIMEOUT)
    assert outcomes.tolist() == [Outcome.DONE]
    assert witness.read(pv, dbr_type).raw == elements[: count * size]


@pytest.mark.parametrize(("record", "dbr_type", "content"), SCALARS)
async def test_what_was_read_of_a_scalar_is_put_back_bit_for_bit(
    channels: CaChannels, prefix: str, record: str, dbr_type: DbrType, content: bytes
) -> None:
    pv = prefix + record
    witness.write(pv, content, dbr_type)
    stored = await read_one(channels, pv)
    witness.write(pv, bytes([1]).ljust(len(content), b"\0"), dbr_type)
    assert (await channels.write([pv], stored, TIMEOUT)).tolist() == [Outcome.DONE]
    assert witness.read(pv, dbr_type).raw == content


@pytest.mark.parametrize("text", TEXTS)
async def test_what_was_read_of_a_text_is_put_back(channels: CaChannels, prefix: str, text: bytes) -> None:
    witness.write(f"{prefix}TEXT", [text], DbrType.STRING)
    stored = await read_one(channels, f"{prefix}TEXT")
    witness.write(f"{prefix}TEXT", [b"changed"], DbrType.STRING)
    assert (await channels.write([f"{prefix}TEXT"], stored, TIMEOUT)).tolist() == [Outcome.DONE]
    assert witness.read(f"{prefix}TEXT", DbrType.STRING).raw == [text]


async def test_a_whole_list_is_read_and_written_in_its_order(channels: CaChannels, prefix: str) -> None:
    pvs = [prefix + name for name in ("LONG", "AO", "TEXT", "W6LONG", "LONG")]
    builder = ReadingsBuilder(4)
    builder.add(0, L, 5)
    builder.add(1, D, 2.5)
    builder.add(2, DbrType.STRING, b"five")
    builder.add(3, L, np.array([1, 2, 3]))
    await channels.connect(pvs, CONNECT)
    assert (await channels.write(pvs[:4], builder.build(), TIMEOUT)).tolist() == [Outcome.DONE] * 4
    readings = await channels.read(pvs, TIMEOUT)
    values = [readings.value(row) for row in (0, 1, 2, 4)]
    assert values == [5, 2.5, b"five", 5]
    assert raw(readings, 3) == struct.pack("<3i", 1, 2, 3)
    assert 0 < readings.started <= readings.finished


async def test_a_record_that_was_never_processed_is_invalid_and_has_no_time(channels: CaChannels, prefix: str) -> None:
    readings = await read_one(channels, f"{prefix}NEVER")
    assert (readings.seconds[0], readings.nanoseconds[0]) == (0, 0)
    assert (readings.severity[0], readings.status[0]) == (Severity.INVALID, 17)
