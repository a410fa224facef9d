"""Reads and subscribes through libca as every DBR type: `python libca_worker.py NAME ...` prints a JSON object per name.

libca's own exception handler ends the process for what it calls fatal, as it ends caget; so a server that fails a read
fails this process.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

from epicscorelibs.path import get_lib

TYPES = range(39)
ECA_NORMAL = 1
MASK = 5


class Event(ctypes.Structure):
    _fields_ = [
        ("usr", ctypes.c_void_p),
        ("chid", ctypes.c_void_p),
        ("type", ctypes.c_long),
        ("count", ctypes.c_long),
        ("dbr", ctypes.c_void_p),
        ("status", ctypes.c_int),
    ]


HANDLER = ctypes.CFUNCTYPE(None, Event)
libca = ctypes.CDLL(get_lib("ca"))
libca.ca_element_count.restype = ctypes.c_ulong
libca.ca_pend_event.argtypes = libca.ca_pend_io.argtypes = [ctypes.c_double]
sizes = (ctypes.c_ushort * 39).in_dll(libca, "dbr_size")
value_sizes = (ctypes.c_ushort * 39).in_dll(libca, "dbr_value_size")


def connect(name: str) -> ctypes.c_void_p:
    channel = ctypes.c_void_p()
    libca.ca_create_channel(name.encode(), None, None, 0, ctypes.byref(channel))
    if libca.ca_pend_io(10.0) != ECA_NORMAL:
        raise TimeoutError(name)
    return channel


def sweep(name: str) -> dict[str, Any]:
    """Per type the status of a read and of the first update, and the bytes of the read; None for what never came."""
    channel = connect(name)
    count = libca.ca_element_count(channel)
    reads: dict[int, tuple[int, str]] = {}
    updates: dict[int, int] = {}

    def on_read(event: Event) -> None:
        size = sizes[event.type] + (event.count - 1) * value_sizes[event.type]
        data = ctypes.string_at(event.dbr, size) if event.dbr else b""
        reads[event.usr or 0] = (event.status, data[:400].hex())

    def on_update(event: Event) -> None:
        updates[event.usr or 0] = event.status

    handlers = HANDLER(on_read), HANDLER(on_update)
    for number in TYPES:
        for wanted in (0, count):
            libca.ca_array_get_callback(number, ctypes.c_ulong(wanted), channel, handlers[0], ctypes.c_void_p(number))
        subscription = ctypes.c_void_p()
        arguments = (number, ctypes.c_ulong(count), channel, MASK, handlers[1], ctypes.c_void_p(number))
        libca.ca_create_subscription(*arguments, ctypes.byref(subscription))
    for _ in range(100):
        libca.ca_pend_event(0.05)
        if len(reads) == len(updates) == len(TYPES):
            break
    native = libca.ca_field_type(channel)
    libca.ca_clear_channel(channel)
    return {
        "type": native,
        "count": count,
        "reads": [reads.get(number) for number in TYPES],
        "updates": [updates.get(number) for number in TYPES],
    }


if __name__ == "__main__":
    libca.ca_context_create(1)
    for name in sys.argv[1:]:
        print(json.dumps(sweep(name)), flush=True)
