"""Puts random types, lengths and values into every PV it is told of, as raw CA messages, then reads all.

Arguments: seconds, seed, port, names. Prints the reads that failed.
"""

from __future__ import annotations

import random
import socket
import struct
import sys
import time
from typing import Any

import numpy as np

WRITE, WRITE_NOTIFY, READ_NOTIFY, CREATE, VERSION, CLIENT, HOST = 4, 19, 15, 18, 0, 20, 21
READABLE = [t for t in range(39) if t not in (35, 36)]
"""All DBR types but the two that can only be put."""

SIZES = {0: 40, 1: 2, 2: 4, 3: 2, 4: 1, 5: 4, 6: 8}


class RawClient:
    """One CA circuit, spoken by hand, so that nothing of a client library stands between the fuzz and the server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._send(VERSION, 0, 13, 0, 0)
        self._send(CLIENT, 0, 0, 0, 0, b"fuzz\0")
        self._send(HOST, 0, 0, 0, 0, b"fuzz\0")
        self._buffer = b""
        self._next = 1

    def create(self, name: str) -> int | None:
        """The server's id of a channel, None if it has none of this name."""
        self._next += 1
        self._send(CREATE, 0, 0, self._next, 13, name.encode() + b"\0")
        while True:
            command, _, _, _, cid, sid, _ = self._receive()
            if command == CREATE and cid == self._next:
                return sid
            if command == 26 and cid == self._next:
                return None

    def put(self, sid: int, dbr_type: int, count: int, payload: bytes) -> None:
        """A put with callback; returns when the server has said something to it."""
        self._next += 1
        self._send(WRITE_NOTIFY, dbr_type, count, sid, self._next, payload)
        while True:
            command, _, _, _, _, ioid, body = self._receive()
            if command == WRITE_NOTIFY and ioid == self._next:
                return
            if command == 11:
                return

    def read(self, sid: int, dbr_type: int, count: int) -> str | None:
        """What went wrong with a read, None if nothing did."""
        self._next += 1
        self._send(READ_NOTIFY, dbr_type, count, sid, self._next)
        while True:
            command, size, got_type, got_count, status, ioid, _ = self._receive()
            if command == READ_NOTIFY and ioid == self._next:
                # Who asks for as many as there are may get none, also from a C IOC.
                is_there = size or got_count == count == 0
                return None if status == 1 and got_type == dbr_type and is_there else f"status {status}, {size} bytes"
            if command == 11:
                return f"exception {ioid}"

    def _send(self, command: int, dbr_type: int, count: int, one: int, two: int, payload: bytes = b"") -> None:
        payload += b"\0" * (-len(payload) % 8)
        if len(payload) > 0xFFF0 or count > 0xFFFF:
            header = struct.pack(">HHHHIIII", command, 0xFFFF, dbr_type, 0, one, two, len(payload), count)
        else:
            header = struct.pack(">HHHHII", command, len(payload), dbr_type, count, one, two)
        self._socket.sendall(header + payload)

    def _receive(self) -> tuple[int, int, int, int, int, int, bytes]:
        command, size, dbr_type, count, one, two = struct.unpack(">HHHHII", self._take(16))
        if size == 0xFFFF:
            size, count = struct.unpack(">II", self._take(8))
        return command, size, dbr_type, count, one, two, self._take(size)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            received = self._socket.recv(1 << 16)
            if not received:
                raise ConnectionError("the server closed the circuit")
            self._buffer += received
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


def random_put(chance: random.Random) -> tuple[int, int, bytes]:
    """A native type, a count, and bytes: sometimes sensible, sometimes not."""
    dbr_type = chance.randrange(7)
    count = chance.choice([0, 1, 1, 1, 2, 3, 39, 40, 200])
    size = SIZES[dbr_type] * count
    kind = chance.randrange(4)
    if kind == 0:
        body = chance.randbytes(size)
    elif kind == 1:
        texts = [
            b"1",
            b"0",
            b"Save",
            b"Idle",
            b"",
            b"x" * 60,
            "grüße €".encode(),
            b"\xff\xfe",
            b"nan",
            b"4294967308",
            b"9" * 39,
        ]
        body = b"".join(chance.choice(texts)[:40].ljust(40, b"\0") for _ in range(max(count, 1)))[:size]
    elif kind == 2:
        numbers = [0, 1, -1, 9, 1001, 2**31 - 1, -(2**31), 1e300, float("nan"), float("inf"), 0.5]
        body = b"".join(encode(chance.choice(numbers), dbr_type) for _ in range(count))
    else:
        body = b"\0" * size
    return dbr_type, count, body


def encode(number: float, dbr_type: int) -> bytes:
    """A number as big-endian DBR type, whatever becomes of it."""
    dtype = {1: ">i2", 2: ">f4", 3: ">u2", 4: "u1", 5: ">i4", 6: ">f8"}.get(dbr_type)
    if dtype is None:
        return str(number).encode().ljust(40, b"\0")
    with np.errstate(all="ignore"):
        return np.array([number], np.float64).astype(dtype).tobytes()


def fuzz(seconds: float, seed: int, port: int, names: list[str]) -> list[Any]:
    """Put at random for so long, then read everything as everything."""
    chance = random.Random(seed)
    client = RawClient(port)
    channels = {name: sid for pv in names for name in (pv, f"{pv}.VAL$", f"{pv}.DESC") if (sid := client.create(name))}
    deadline = time.monotonic() + seconds
    puts = 0
    while time.monotonic() < deadline:
        name, sid = chance.choice(list(channels.items()))
        client.put(sid, *random_put(chance))
        wrong = client.read(sid, chance.choice(READABLE), chance.choice([0, 1, 100]))
        if wrong:
            return [[name, wrong]]
        puts += 1
    failures = []
    for name, sid in channels.items():
        for dbr_type in READABLE:
            for count in (0, 1, 50):
                if wrong := client.read(sid, dbr_type, count):
                    failures.append([name, dbr_type, count, wrong])
    print(puts, "puts", file=sys.stderr)
    return failures


if __name__ == "__main__":
    print(fuzz(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
