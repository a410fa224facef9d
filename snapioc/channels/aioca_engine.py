"""The aioca engine: lists of PVs through aioca, one coroutine per PV. Runs in the CA thread."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import aioca
import numpy as np
from epicscorelibs.ca import cadef, dbr
from numpy.typing import NDArray

from snapioc.model import (
    EPICS_EPOCH,
    MAX_STRING,
    ChannelStates,
    DbrType,
    Flag,
    Readings,
    ReadingsBuilder,
    Reason,
    long_text_name,
)

from . import eca
from .aioca_writer import AiocaWriter
from .arrivals import Arrivals
from .libca_exceptions import log_exceptions
from .link import Link

CHUNK = 500
"""PVs that are taken up before the loop gets a turn."""

LONG_TEXT_TIMEOUT = 1.0
"""Seconds that connecting to `NAME.FIELD$` may take, once, for a text that may be longer than a DBR_STRING."""

_READ_FAILURES = {eca.ECA_DISCONN: Reason.DISCONNECTED, eca.ECA_NORDACCESS: Reason.NO_READ_ACCESS}


_log = logging.getLogger(__name__)


class AiocaEngine:
    """Reads and writes lists of PVs; everything happens on the CA thread's event loop."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._writer = AiocaWriter(self._link)

    async def connect(self, pvs: Sequence[str], timeout: float) -> None:
        """Make channels in chunks, then wait until all are connected or `timeout` seconds are over."""
        deadline = time.monotonic() + timeout
        for start in range(0, len(pvs), CHUNK):
            for pv in pvs[start : start + CHUNK]:
                await aioca.connect(pv, wait=False, timeout=None)
                self._link(pv).watch()
            await asyncio.sleep(0)
        while time.monotonic() < deadline and await self.disconnected(pvs):
            await asyncio.sleep(0.02)

    async def disconnected(self, pvs: Sequence[str]) -> list[str]:
        """Those of the PVs that are not connected now."""
        connected = {info.name for info in aioca.get_channel_infos() if info.connected}
        return [pv for pv in pvs if pv not in connected]

    async def states(self, pvs: Sequence[str]) -> ChannelStates:
        """What libca knows of the channels."""
        infos = [await _info(pv) for pv in pvs]
        labels = [self._link(pv).metadata for pv in pvs]
        return ChannelStates(
            ever_connected=np.array([info.state != cadef.cs_never_conn for info in infos], bool),
            connected=np.array([info.state == cadef.cs_conn for info in infos], bool),
            readable=np.array([bool(info.read) for info in infos], bool),
            writable=np.array([bool(info.write) for info in infos], bool),
            dbr_type=np.array([info.datatype for info in infos], np.uint8),
            element_count=np.array([info.count for info in infos], np.int32),
            labels=tuple(known.labels if known else () for known in labels),
        )

    async def read(self, pvs: Sequence[str], timeout: float, progress: Callable[[int], None]) -> Readings:
        """Read all PVs at once; see `Channels.read`."""
        builder, arrivals = ReadingsBuilder(len(pvs), Reason.NO_ANSWER), Arrivals(progress)
        started = time.time()
        readers = []
        for row, pv in enumerate(pvs):
            info = await _info(pv)
            reason = _why_not_readable(info)
            if reason:
                builder.missing(row, reason)
                arrivals.note()
            else:
                reader = asyncio.create_task(self._read_into(builder, row, self._link(pv), info))
                reader.add_done_callback(arrivals.note)
                readers.append(reader)
            if row % CHUNK == CHUNK - 1:
                await asyncio.sleep(0)
        try:
            await arrivals.wait(len(pvs), timeout)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        return builder.build(started, arrivals.last)

    async def write(
        self, pvs: Sequence[str], values: Readings, timeout: float, progress: Callable[[int], None]
    ) -> NDArray[np.uint8]:
        """Write all PVs at once; see `Channels.write`."""
        return await self._writer.write(pvs, values, timeout, progress)

    async def close(self) -> None:
        """Close all channels."""
        for link in self._links.values():
            link.close()
        self._links.clear()
        aioca.purge_channel_caches()

    def _link(self, pv: str) -> Link:
        if not self._links:
            aioca.get_channel_infos()  # makes the CA context
            log_exceptions()
        if pv not in self._links:
            self._links[pv] = Link(pv)
        return self._links[pv]

    async def _read_into(self, builder: ReadingsBuilder, row: int, link: Link, info: Any) -> None:
        native = link.native_type(info.datatype)
        try:
            value, flags = await self._value(link, native, info.count), Flag.NONE
            if value.ok and link.metadata is None:
                await self._learn(link)
            if value.ok and native is DbrType.STRING and info.count == 1 and len(value) >= MAX_STRING - 1:
                value, flags = await self._whole_text(link, value)
            if value.ok:
                _add(builder, row, native, value, flags, link)
            else:
                builder.missing(row, _READ_FAILURES.get(value.errorcode, Reason.READ_REFUSED))
        except Exception as fault:  # whatever aioca makes of a reply of the wrong form must not cost the other PVs
            _log.warning("%s could not be read: %r", link.name, fault)
            builder.missing(row, Reason.UNREADABLE)

    async def _value(self, link: Link, native: DbrType, count: int) -> Any:
        # Strings as bytes: aioca decodes them with 'replace' otherwise.
        datatype = bytes if native is DbrType.STRING else int(native)
        # The present length of an array (0), but one element of all else: an empty lso sends none, which aioca cannot take.
        wanted = 1 if count == 1 else 0
        return await link.ask(aioca.caget(link.name, datatype, aioca.FORMAT_TIME, wanted, timeout=None, throw=False))

    async def _learn(self, link: Link) -> None:
        value = await link.ask(aioca.caget(link.name, format=aioca.FORMAT_CTRL, count=1, timeout=None, throw=False))
        if value.ok:
            link.learn(value)

    async def _whole_text(self, link: Link, value: Any) -> tuple[Any, Flag]:
        """The text behind a full DBR_STRING, LONG if there is more of it, CUT if that cannot be found out."""
        name = long_text_name(link.name)
        if link.no_long_text or not await aioca.connect(name, timeout=LONG_TEXT_TIMEOUT, throw=False):
            link.no_long_text = True
            return value, Flag.CUT
        request = aioca.caget(name, dbr.DBR_CHAR_BYTES, aioca.FORMAT_TIME, timeout=None, throw=False)
        whole = await self._link(name).ask(request)
        if not whole.ok:
            return value, Flag.CUT
        return whole, Flag.LONG if len(whole) >= MAX_STRING else Flag.NONE


async def _info(pv: str) -> Any:
    return await aioca.cainfo(pv, wait=False, timeout=None)


def _why_not_readable(info: Any) -> Reason | None:
    if info.state != cadef.cs_conn:
        return Reason.NEVER_CONNECTED if info.state == cadef.cs_never_conn else Reason.DISCONNECTED
    return None if info.read else Reason.NO_READ_ACCESS


def _add(builder: ReadingsBuilder, row: int, native: DbrType, value: Any, flags: Flag, link: Link) -> None:
    seconds, nanoseconds = value.raw_stamp
    plain = bytes(value) if isinstance(value, bytes) else value
    if native is DbrType.STRING and isinstance(value, np.ndarray):
        plain = [bytes(element) for element in value]
    builder.add(
        row,
        native,
        plain,
        # aioca has added the epoch; a record that was never processed has 0.
        seconds=max(0, seconds - EPICS_EPOCH),
        nanoseconds=nanoseconds,
        status=value.status,
        severity=value.severity,
        flags=flags,
        metadata=link.metadata,
    )
