"""Reading one PV into one row: its metadata, its value, and the whole of a text that a DBR_STRING cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from epicscorelibs.ca import dbr

from snapioc.model import MAX_STRING, DbrType, Flag, ReadingsBuilder, Reason, Value, long_text_name

from . import eca
from .arrivals import Arrivals
from .get import Reply
from .link import Link
from .reply_content import TIME, characters_of, stamps_of, value_of

LONG_TEXT_TIMEOUT = 1.0
"""Seconds that connecting to `NAME.FIELD$` may take, once per connection, for a text that may have been cut."""

_LONGEST = MAX_STRING - 1


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads PVs into the rows of one builder."""

    builder: ReadingsBuilder
    arrivals: Arrivals
    link: Callable[[str], Link]
    """Finds or makes the link of a PV."""

    async def read(self, row: int, link: Link) -> None:
        """Read a PV; one that is not connected is missing at once. Cancelled, it leaves what is known so far."""
        reason = Reason.HUNG if link.hung else _why_not_readable(link)
        if reason is None and link.late:
            reason = Reason.NO_ANSWER
        if reason is None and link.metadata is None:
            await link.learn()
            self.arrivals.heard()
            reason = _why_not_readable(link)
        if reason is not None:
            self.builder.missing(row, reason)
            return
        reply = await link.get(TIME + link.dbr_type)
        self.arrivals.heard()
        if not reply.ok:
            self.builder.missing(row, _why_not_read(link, reply))
            return
        value = value_of(reply, single_text=link.element_count == 1)
        if isinstance(value, bytes) and len(value) >= _LONGEST:
            self._add(row, link, reply, value[:_LONGEST], Flag.CUT)
            await self._read_whole(row, link)
        elif isinstance(value, list) and any(len(text) > _LONGEST for text in value):
            self._add(row, link, reply, [text[:_LONGEST] for text in value], Flag.CUT)
        else:
            self._add(row, link, reply, value, Flag.NONE)

    async def _read_whole(self, row: int, link: Link) -> None:
        whole = self.link(long_text_name(link.name))
        if not whole.connected and not link.no_long_text:
            link.no_long_text = True  # also if the wait is cancelled: it costs only once
            await whole.wait_connected(LONG_TEXT_TIMEOUT)
        if not whole.look() or whole.late:
            return
        reply = await whole.get(dbr.DBR_TIME_CHAR)
        self.arrivals.heard()
        if reply.ok:
            text = characters_of(reply)
            self._add(row, link, reply, text, Flag.LONG if len(text) > _LONGEST else Flag.NONE)

    def _add(self, row: int, link: Link, reply: Reply, value: Value, flags: Flag) -> None:
        dbr_type = DbrType.STRING if isinstance(value, bytes) else DbrType(reply.code - TIME)
        self.builder.add(row, dbr_type, value, flags=flags, metadata=link.metadata, **stamps_of(reply))


def _why_not_readable(link: Link) -> Reason | None:
    if link.look() and link.readable:
        return None
    # libca takes the rights away when it disconnects: without them, look whether it still is connected.
    if link.look():
        return Reason.NO_READ_ACCESS
    return Reason.DISCONNECTED if link.ever_connected else Reason.NEVER_CONNECTED


def _why_not_read(link: Link, reply: Reply) -> Reason:
    if reply.status == eca.ECA_NORDACCESS:
        return _why_not_readable(link) or Reason.NO_READ_ACCESS
    return Reason.DISCONNECTED if reply.status == eca.ECA_DISCONN else Reason.READ_REFUSED
