"""libca through cffi in ABI mode: the leanest way to it that needs no compiler. Nothing of snapioc is in here."""

from __future__ import annotations

from typing import Any

import numpy as np
from cffi import FFI
from epicscorelibs.path import get_lib
from numpy.typing import NDArray

ffi: Any = FFI()
ffi.cdef("""
typedef void *chid;
typedef struct event_handler_args { void *usr; chid chid; long type; long count; const void *dbr; int status; } evargs;
int ca_context_create(int select);
int ca_create_channel(const char *name, void *f, void *puser, unsigned priority, chid *p);
int ca_array_get(long type, unsigned long count, chid chan, void *value);
int ca_array_put(long type, unsigned long count, chid chan, const void *value);
int ca_array_put_callback(long type, unsigned long count, chid chan, const void *value, void (*f)(evargs), void *arg);
int ca_create_subscription(long type, unsigned long count, chid chan, long mask, void (*f)(evargs), void *arg, void **evid);
int ca_flush_io(void);
int ca_pend_io(double seconds);
short ca_field_type(chid chan);
unsigned long ca_element_count(chid chan);
const char *ca_message(long status);
""")
lib: Any = ffi.dlopen(get_lib("ca"))

NORMAL = 1
"""ECA_NORMAL (caerr.h)."""

LONG, DOUBLE = 5, 6

FIRST = np.array([56, 16, 16, 16, 16, 16, 24])
NEXT = np.array([40, 2, 4, 2, 1, 4, 8])
VALUE = np.array([12, 14, 12, 14, 15, 12, 16])
"""Bytes of DBR_TIME_x with one element, of each further one, and where its value begins (db_access.h)."""

PATIENCE = 600.0
"""Seconds after which a machine that does not answer is an error."""


def check(status: int, what: str) -> None:
    """Raise RuntimeError unless the status is ECA_NORMAL."""
    if status != NORMAL:
        raise RuntimeError(f"{what}: {ffi.string(lib.ca_message(status)).decode()}")


def create(names: list[str]) -> list[Any]:
    """Connected channels of all names."""
    place, channels = ffi.new("chid *"), []
    for name in names:
        check(lib.ca_create_channel(name.encode(), ffi.NULL, ffi.NULL, 0, place), name)
        channels.append(place[0])
    check(lib.ca_pend_io(PATIENCE), "connecting")
    return channels


class ValueBuffer:
    """Room for a DBR_TIME value of each channel, of its own type and full length, one after the other."""

    def __init__(self, channels: list[Any]) -> None:
        self.native = np.array([lib.ca_field_type(channel) for channel in channels])
        self.count = np.array([lib.ca_element_count(channel) for channel in channels])
        sizes = (FIRST[self.native] + (self.count - 1) * NEXT[self.native] + 7) // 8 * 8
        self.ends = np.cumsum(sizes)
        self.starts = self.ends - sizes
        self.data = np.zeros(int(self.ends[-1]), np.uint8)
        self.pointers = [ffi.cast("void *", self.data.ctypes.data + start) for start in self.starts.tolist()]
        self.channels = channels

    def gets(self) -> tuple[list[int], list[int], list[Any], list[Any]]:
        """The arguments of ca_array_get, each as a list."""
        return (self.native + 14).tolist(), self.count.tolist(), self.channels, self.pointers

    def values(self, row: int, dtype: str) -> NDArray[Any]:
        """The elements of a row, to be looked at and changed."""
        start = int(self.starts[row] + VALUE[self.native[row]])
        return self.data[start : start + int(self.count[row] * NEXT[self.native[row]])].view(dtype)

    def puts(self) -> tuple[list[int], list[int], list[Any], list[Any]]:
        """The arguments of ca_array_put, each as a list."""
        begins = (self.data.ctypes.data + self.starts + VALUE[self.native]).tolist()
        return self.native.tolist(), self.count.tolist(), self.channels, [ffi.cast("void *", begin) for begin in begins]
