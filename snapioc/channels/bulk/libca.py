"""libca as cffi sees it: the library that epicscorelibs loads for aioca, with prototypes of our own.

Channels and addresses are declared as integers (uintptr_t) where whole lists of them are passed, so that they can come out
of numpy columns; they travel in the same registers as pointers.
"""

from __future__ import annotations

from typing import Any

from cffi import FFI
from epicscorelibs import path

ffi = FFI()
ffi.cdef("""
typedef void *chid;
typedef struct { chid channel; long op; } connection_args;
typedef struct { chid channel; unsigned access; } access_args;
typedef struct { uintptr_t usr; chid channel; long type; long count; const void *dbr; int status; } event_args;
typedef struct {
    void *usr; chid channel; long type; long count; void *addr; long status; long op; const char *context;
    const char *file; unsigned line;
} exception_args;

int ca_create_channel(const char *name, void (*f)(connection_args), uintptr_t usr, unsigned priority, uintptr_t *channel);
int ca_clear_channel(uintptr_t channel);
int ca_replace_access_rights_event(uintptr_t channel, void (*f)(access_args));
int ca_add_exception_event(void (*f)(exception_args), void *usr);
int ca_array_get(long type, unsigned long count, uintptr_t channel, uintptr_t value);
int ca_array_get_callback(long type, unsigned long count, uintptr_t channel, void (*f)(event_args), uintptr_t usr);
int ca_array_put(long type, unsigned long count, uintptr_t channel, uintptr_t value);
int ca_array_put_callback(
    long type, unsigned long count, uintptr_t channel, uintptr_t value, void (*f)(event_args), uintptr_t usr);
int ca_create_subscription(
    long type, unsigned long count, uintptr_t channel, long mask, void (*f)(event_args), uintptr_t usr,
    uintptr_t *id);
int ca_clear_subscription(uintptr_t id);
int ca_flush_io(void);
int ca_pend_io(double timeout);
short ca_field_type(chid channel);
unsigned long ca_element_count(chid channel);
uintptr_t ca_puser(chid channel);
unsigned ca_read_access(chid channel);
unsigned ca_write_access(chid channel);
int ca_state(uintptr_t channel);
unsigned ca_get_host_name(uintptr_t channel, char *name, unsigned length);
const char *ca_message(long status);
""")
lib: Any = ffi.dlopen(path.get_lib("ca"))

CONNECTION = "void(connection_args)"
ACCESS = "void(access_args)"
EVENT = "void(event_args)"
EXCEPTION = "void(exception_args)"
"""The callbacks' types. A callback must never raise, and must be kept for as long as libca may call it."""

OP_GET, OP_PUT, OP_CONN_UP = 0, 1, 6
"""What an exception or a connection callback is about (cadef.h)."""

READ_ACCESS, WRITE_ACCESS = 1, 2
"""The bits of `access_args.access`."""

DBR_CLASS_NAME = 38
DBE_VALUE, DBE_ALARM, DBE_PROPERTY = 1, 4, 8
