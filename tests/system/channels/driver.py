"""`python driver.py PREFIX PVS ROUNDS HERTZ`: puts 1, 2, 3, ... to PREFIX0, PREFIX1, ... so many times a second.

A client with libca, but none of ours. After each round it waits until a line on stdin allows it: an IOC that cannot send
leaves events out, which is not what is tested.
"""

from __future__ import annotations

import ctypes
import sys
import time

from epicscorelibs.path import get_lib

DBR_LONG = 5
libca = ctypes.CDLL(get_lib("ca"))
libca.ca_pend_event.argtypes = libca.ca_pend_io.argtypes = [ctypes.c_double]


def main(prefix: str, pvs: int, rounds: int, hertz: float) -> None:
    channels = [ctypes.c_void_p() for _ in range(pvs)]
    for number, channel in enumerate(channels):
        libca.ca_create_channel(f"{prefix}{number}".encode(), None, None, 0, ctypes.byref(channel))
    assert libca.ca_pend_io(60.0) == 1
    print("connected", flush=True)
    due = time.monotonic()
    for count in range(1, rounds + 1):
        sys.stdin.readline()
        value = ctypes.c_int32(count)
        for channel in channels:
            libca.ca_array_put(DBR_LONG, 1, channel, ctypes.byref(value))
        libca.ca_flush_io()
        due = max(due + 1 / hertz, time.monotonic() - 0.1)
        time.sleep(max(0.0, due - time.monotonic()))
    libca.ca_pend_event(1.0)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
