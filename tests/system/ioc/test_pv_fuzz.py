"""Whatever is put, of any type, count and value: it is taken or refused, and every PV still reads as every DBR type."""

from __future__ import annotations

import ctypes
import json
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import caproto as ca
import pytest

from tests.helpers import libca_worker
from tests.helpers.clients import client_environment
from tests.helpers.raw_client import RawClient
from tests.helpers.server import ServerProcess

PVS = ["BO", "BI", "MBBO", "MBBI", "LONGOUT", "LONGIN", "AI", "LSO", "LSI", "FILTER", "STRINGOUT", "STRINGIN", "STRINGS"]
EMPTY = ["LONGS", "DOUBLES"]
FIELDS = ["VAL", "NAME", "RTYP", "DESC", "SEVR", "STAT"]
OWN_FIELDS = {"AI": ["EGU", "PREC", "HOPR", "LOPR"], "LONGIN": ["EGU", "PREC", "HOPR", "LOPR"]}
OWN_FIELDS |= {"BI": ["ZNAM", "ONAM", "ZSV", "OSV"], "MBBI": ["ZRST", "ONST", "ZRSV", "ONSV"]}
TEXTS = ["LSO.VAL$", "LSI.VAL$", "FILTER.VAL$", "STRINGOUT.VAL$", "AI.DESC$", "BO.NAME$"]

SIZES = {0: 40, 1: 2, 2: 4, 3: 2, 4: 1, 5: 4, 6: 8}
NUMBERS = [0, 1, 2, 3, 15, 16, -1, 127, 255, 32767, -32768, 65535, 2**31 - 1, -(2**31), 2**31, 2**40, 1001]
DOUBLES = [0.0, -0.0, 1.0, 0.5, float("nan"), float("inf"), float("-inf"), 1e308, 5e-324, 2.0**31]
STRINGS = [b"", b"1", b"0", b"Save", b"sAVE", b"Idle", b"7", b"1.5", b"nan", b"inf", b"1e400", b"0x10", b" 1 ", b"\xff\xfe"]
STRINGS += [b"\xc3\xa9" * 19, "€".encode() * 13, b"x" * 39, b"x" * 40, b"a\0b", b"1_0", "١".encode(), b"\xed\xa0\x80"]


def all_names() -> Iterator[str]:
    for pv in PVS:
        yield pv
        yield from (f"{pv}.{field}" for field in FIELDS + OWN_FIELDS.get(pv, []))
    yield from TEXTS


def payload(dice: random.Random) -> tuple[int, bytes, int]:
    """A DBR type, a payload and an element count, that mostly fit together."""
    data_type = dice.choice([*range(7), 14, 19, 20, 3, 35, 36, 37, 38, dice.randrange(39)])
    native = data_type % 7 if data_type < 35 else 1
    count = dice.choice([0, 1, 1, 1, 2, 5, 16, 300, 16_000, 16_001, 20_000])
    if native == 0:
        count = min(count, 300)
    elements = b"".join(element(native, dice) for _ in range(min(count, 50)))
    if native == 4 and dice.random() < 0.5:
        elements = dice.choice(STRINGS)
        count = len(elements)
    elements = elements.ljust(count * SIZES[native], bytes([dice.randrange(256)]))
    if native == 0 and count == 1 and dice.random() < 0.5:
        elements = elements.split(b"\0")[0] + b"\0"
    head = dice.randbytes(ctypes.sizeof(ca.DBR_TYPES[data_type])) if data_type >= 7 else b""
    if dice.random() < 0.05:
        count = dice.choice([count + 1, 2**31, 2**32 - 1])
    return data_type, head + elements, count


def element(native: int, dice: random.Random) -> bytes:
    if native == 0:
        return dice.choice(STRINGS).ljust(40, b"\0")
    if native in (2, 6):
        return struct.pack(">f" if native == 2 else ">d", min(dice.choice(DOUBLES), 3e38))
    return (dice.choice(NUMBERS) % 2**64).to_bytes(8, "big")[-SIZES[native] :]


@pytest.mark.parametrize("seed", [1])
def test_every_pv_still_reads_after_puts_of_anything(server: ServerProcess, client: RawClient, seed: int) -> None:
    dice = random.Random(seed)
    channels = {name: client.create(server.pv(name)) for name in all_names()}
    answers = {"taken": 0, "refused": 0}
    for _ in range(2000):
        channel = channels[dice.choice(list(channels))]
        data_type, data, count = payload(dice)
        notify = dice.random() < 0.7
        reply = client.put(channel, data_type, data, count, notify=notify)
        if notify:
            taken = isinstance(reply, ca.WriteNotifyResponse) and reply.status.success
            answers["taken" if taken else "refused"] += 1
    assert min(answers.values()) > 20
    for name, channel in channels.items():
        for data_type in range(39):
            for count in (0, 1):
                assert isinstance(client.read(channel, data_type, count), ca.ReadNotifyResponse), (
                    name,
                    data_type,
                    server.log,
                )
    assert "Traceback" not in server.log


def test_libca_reads_everything_as_every_type(server: ServerProcess) -> None:
    """An answer that libca calls fatal ends the client that gets it, as it ends caget."""
    names = [server.pv(name) for name in (*all_names(), *EMPTY)]
    reader = subprocess.run(
        [sys.executable, str(Path(libca_worker.__file__)), *names],
        env=client_environment([server.address]),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert reader.returncode == 0, reader.stderr
    for name, line in zip(names, reader.stdout.splitlines(), strict=True):
        answer = json.loads(line)
        assert [status for status, _ in answer["reads"]] == [1] * 39, name
        assert answer["updates"] == [1] * 39, name
