"""Refusals: what servers say of single requests that have no callback; everything else that libca reports is logged."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any, NamedTuple

from .libca import EXCEPTION, OP_GET, OP_PUT, ffi, lib
from .table import Table

_log = logging.getLogger(__name__)


class Refusal(NamedTuple):
    """A request of one of our channels that failed: OP_GET or OP_PUT, with libca's status."""

    channel: int
    op: int
    status: int


class Refusals:
    """libca's one exception handler per context; without it libca prints several lines to stderr for each."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._exceptions: deque[tuple[int, int, int, int, bytes]] = deque()
        self._callback = ffi.callback(EXCEPTION)(self._on_exception)

    def install(self) -> None:
        """Take the place of the handler in the calling thread's context."""
        lib.ca_add_exception_event(self._callback, ffi.NULL)

    def take(self) -> list[Refusal]:
        """The refusals since the last call."""
        refusals = []
        for _ in range(len(self._exceptions)):
            channel, chid, op, status, context = self._exceptions.popleft()
            if op in (OP_GET, OP_PUT) and self._table.ours(channel, chid):
                refusals.append(Refusal(channel, op, status))
            else:
                text = ffi.string(lib.ca_message(status)).decode()
                _log.info("libca: %s (%s)", text, context.decode(errors="replace"))
        return refusals

    def _on_exception(self, arguments: Any) -> None:
        chid, channel = int(ffi.cast("uintptr_t", arguments.channel)), 0
        if chid:
            channel = lib.ca_puser(arguments.channel)
        context = ffi.string(arguments.context) if arguments.context else b""
        self._exceptions.append((channel, chid, arguments.op, arguments.status, context))
