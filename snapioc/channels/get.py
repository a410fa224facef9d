"""One get-callback of libca, and its reply as bytes."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from epicscorelibs.ca import cadef, dbr

from . import eca


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: an ECA status and, if that is normal, a DBR structure of `code` with `count` elements."""

    status: int
    code: int = 0
    count: int = 0
    data: bytes = b""

    @property
    def ok(self) -> bool:
        """True if there is data."""
        return self.status == eca.ECA_NORMAL


def send_get(channel: Any, code: int, count: int, answered: Callable[[Reply], None]) -> Reply | None:
    """Ask aioca's `channel`; `answered` is called once, later, in the running event loop. Count 0 asks for all there is.

    The reply is returned at once, and `answered` is never called, if libca does not take the request. libca also answers
    when the channel disconnects, but not when it is closed. The request leaves with the next ca_flush_io.
    """
    context = (asyncio.get_running_loop(), answered)
    ctypes.pythonapi.Py_IncRef(context)  # for libca, which knows nothing of Python's counting; _on_reply takes it back
    try:
        cadef.ca_array_get_callback(code, count, channel, _on_reply, ctypes.py_object(context))
    except cadef.CAException as refused:
        ctypes.pythonapi.Py_DecRef(context)
        return Reply(refused.status)
    return None


@cadef.event_handler
def _on_reply(arguments: Any) -> None:
    """Called in a thread of libca."""
    loop, answered = arguments.usr
    ctypes.pythonapi.Py_DecRef(arguments.usr)
    if arguments.status != eca.ECA_NORMAL:
        reply = Reply(arguments.status)
    else:
        data = ctypes.string_at(arguments.raw_dbr, size_of(arguments.type, arguments.count))
        reply = Reply(arguments.status, arguments.type, arguments.count, data)
    loop.call_soon_threadsafe(answered, reply)


def size_of(code: int, count: int) -> int:
    """Bytes of a DBR structure."""
    structure = dbr.DbrCodeToType[code]
    return int(structure.raw_value.offset + count * structure.raw_value.size)
