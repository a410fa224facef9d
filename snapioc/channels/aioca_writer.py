"""Writing lists of PVs through aioca, with put-callback, so that a server can say that it refused."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import aioca
import numpy as np
from epicscorelibs.ca import cadef
from numpy.typing import NDArray

from snapioc.model import DTYPES, MAX_STRING, DbrType, Outcome, Readings, long_text_name

from . import eca
from .arrivals import Arrivals
from .link import Link

IN_FLIGHT = 128 * 1024
"""Bytes that may wait for one server: libca blocks with more than 256 kB (comQueSend.h)."""

LONG_TEXT_TIMEOUT = 1.0
"""Seconds that connecting to `NAME.FIELD$` may take before its text counts as unsendable."""

_MESSAGE = 64
"""Bytes of a put beside its value, generously."""

_FAILURES = {
    eca.ECA_DISCONN: Outcome.DISCONNECTED,
    eca.ECA_NOWTACCESS: Outcome.NO_WRITE_ACCESS,
    eca.ECA_BADCOUNT: Outcome.UNSENDABLE,
    eca.ECA_STRTOBIG: Outcome.UNSENDABLE,
    eca.ECA_BADTYPE: Outcome.UNSENDABLE,
}


_log = logging.getLogger(__name__)


class AiocaWriter:
    """Writes lists of PVs: servers side by side, and to each no more at a time than libca takes without blocking."""

    def __init__(self, link: Callable[[str], Link]) -> None:
        self._link = link

    async def write(
        self, pvs: Sequence[str], values: Readings, timeout: float, progress: Callable[[int], None]
    ) -> NDArray[np.uint8]:
        """An Outcome per PV; each put-callback is waited for up to `timeout` seconds."""
        outcomes = np.full(len(pvs), Outcome.PENDING, np.uint8)
        arrivals = Arrivals(progress)
        by_host: dict[str, list[int]] = defaultdict(list)
        for row, pv in enumerate(pvs):
            info = await aioca.cainfo(pv, wait=False, timeout=None)
            if info.state == cadef.cs_conn:
                by_host[info.host].append(row)
            else:
                outcomes[row] = Outcome.DISCONNECTED

        async def write_host(rows: Sequence[int]) -> None:
            for batch in _batches(rows, values):
                puts = [self._put(pvs[row], values, row, timeout, arrivals) for row in batch]
                outcomes[batch] = await asyncio.gather(*puts)
                if all(outcomes[row] == Outcome.PENDING for row in batch):
                    return  # the server is hung: more would only block libca

        await asyncio.gather(*(write_host(rows) for rows in by_host.values()))
        return outcomes

    async def _put(self, pv: str, values: Readings, row: int, timeout: float, arrivals: Arrivals) -> Outcome:
        try:
            return await self._outcome(pv, values, row, timeout)
        except Exception as fault:  # whatever aioca makes of a value must not cost the other PVs
            _log.warning("%s could not be written: %r", pv, fault)
            return Outcome.UNSENDABLE
        finally:
            arrivals.note()

    async def _outcome(self, pv: str, values: Readings, row: int, timeout: float) -> Outcome:
        name, datatype, value = _sendable(pv, values, row)
        if name != pv and not await aioca.connect(name, timeout=LONG_TEXT_TIMEOUT, throw=False):
            return Outcome.UNSENDABLE
        link = self._link(name)
        if link.write_unanswered:
            return Outcome.PENDING
        request = aioca.caput(name, value, datatype=datatype, wait=True, timeout=None, throw=False)
        try:
            answer = await asyncio.wait_for(link.put(request), timeout)
        except TimeoutError:
            return Outcome.PENDING
        return Outcome.DONE if answer.ok else _FAILURES.get(answer.errorcode, Outcome.REFUSED)


def _sendable(pv: str, values: Readings, row: int) -> tuple[str, int, Any]:
    """Channel, DBR type and elements of a put: texts that do not fit in a DBR_STRING go to `NAME.FIELD$` as characters."""
    dbr_type, raw = DbrType(values.dbr_type[row]), values.raw(row)
    if dbr_type is not DbrType.STRING:
        return pv, int(dbr_type), np.atleast_1d(np.asarray(values.value(row), DTYPES[dbr_type]))
    if values.count[row] == 1 and len(raw) >= MAX_STRING:
        return long_text_name(pv), int(DbrType.CHAR), np.frombuffer(raw + b"\0", np.uint8)
    value = values.value(row)
    return pv, int(dbr_type), np.array(value if isinstance(value, list) else [value], DTYPES[DbrType.STRING])


def _batches(rows: Iterable[int], values: Readings) -> Iterator[list[int]]:
    """Rows in batches of at most IN_FLIGHT bytes."""
    batch: list[int] = []
    size = 0
    for row in rows:
        needed = _MESSAGE + len(values.raw(row))
        if batch and size + needed > IN_FLIGHT:
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += needed
    if batch:
        yield batch
