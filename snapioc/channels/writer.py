"""Writing one row to one PV, with put-callback, so that a server can say that it refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aioca
import numpy as np
from numpy.typing import NDArray

from snapioc.model import DTYPES, MAX_STRING, DbrType, Outcome, Readings, long_text_name

from . import eca
from .arrivals import Arrivals
from .link import Link
from .reply_content import TIME

LONG_TEXT_TIMEOUT = 1.0
"""Seconds that connecting to `NAME.FIELD$` may take before its text counts as unsendable."""

PUT_FAILURES = {
    eca.ECA_DISCONN: Outcome.DISCONNECTED,
    eca.ECA_NOWTACCESS: Outcome.NO_WRITE_ACCESS,
    eca.ECA_BADCOUNT: Outcome.UNSENDABLE,
    eca.ECA_STRTOBIG: Outcome.UNSENDABLE,
    eca.ECA_BADTYPE: Outcome.UNSENDABLE,
}
"""What the codes mean with which libca or a server answers a put; all others are refusals."""


@dataclass(slots=True)
class Put:
    """One value on its way to one PV. Once it is `sent` it must not be cancelled: its answer frees the channel."""

    link: Link
    dbr_type: DbrType
    elements: NDArray[Any]
    arrivals: Arrivals
    must_wait: bool = False
    """True for a text that needs a channel which may not be connected yet."""
    sent: bool = False
    given_up: bool = False
    """True if nobody waits for it any more: then nothing more is to be sent."""

    async def run(self) -> Outcome:
        """Send it and wait for its answer, however long that takes."""
        if self.link.hung:
            return Outcome.UNSENDABLE
        if self.must_wait and not await self.link.wait_connected(LONG_TEXT_TIMEOUT):
            return Outcome.UNSENDABLE
        if not self.link.look():
            return Outcome.DISCONNECTED
        if self.link.put_unanswered:
            return await self._follow()
        return await self._lead()

    async def _lead(self) -> Outcome:
        """Put with put-callback to a record that is not busy."""
        async with self.link.room(self.elements.nbytes):
            # Once more, and without a pause before the put: on a channel that is not connected aioca would wait, and
            # write whenever it comes back.
            if not self.link.look():
                return Outcome.DISCONNECTED
            if self.given_up:
                return Outcome.PENDING if self.sent else Outcome.UNSENDABLE
            self.link.put_unanswered = True
            try:
                return await self._put(wait=True)
            finally:
                self.link.put_unanswered = False

    async def _follow(self) -> Outcome:
        """Put while the record is still busy with the last put: a second put-callback would be refused.

        Whether the server lives, or hangs and is not to be given any more, is found out by a read.
        """
        reply = await self.link.get(TIME + self.link.dbr_type, 1)
        if not reply.ok:
            return Outcome.DISCONNECTED if reply.status == eca.ECA_DISCONN else Outcome.UNSENDABLE
        if not self.link.look():
            return Outcome.DISCONNECTED
        outcome = await self._put(wait=False)
        return Outcome.PENDING if outcome is Outcome.DONE else outcome

    async def _put(self, *, wait: bool) -> Outcome:
        self.sent = True
        self.arrivals.heard()
        try:
            answer = await aioca.caput(
                self.link.name, self.elements, datatype=int(self.dbr_type), wait=wait, timeout=None, throw=False
            )
        except (ValueError, TypeError, OverflowError, AssertionError):  # what aioca raises for what it cannot convert
            return Outcome.UNSENDABLE
        outcome = Outcome.DONE if answer.ok else PUT_FAILURES.get(answer.errorcode, Outcome.REFUSED)
        if outcome is Outcome.NO_WRITE_ACCESS and not self.link.look():
            return Outcome.DISCONNECTED  # libca takes the rights away when it disconnects
        return outcome


def make_put(
    pv: str, values: Readings, row: int, link: Callable[[str], Link], arrivals: Arrivals, kind: type[Put] = Put
) -> Put:
    """The put of a row; a text that does not fit in a DBR_STRING goes to `NAME.FIELD$` as characters."""
    dbr_type, raw = DbrType(values.dbr_type[row]), values.raw(row)
    if dbr_type is DbrType.STRING and values.count[row] == 1:
        if len(raw) >= MAX_STRING:
            text = np.frombuffer(raw + b"\0", np.uint8)
            return kind(link(long_text_name(pv)), DbrType.CHAR, text, arrivals, must_wait=True)
        return kind(link(pv), dbr_type, np.array([raw], DTYPES[dbr_type]), arrivals)
    if values.count[row] == 1:
        raw = values.bits[row : row + 1].tobytes()[: DTYPES[dbr_type].itemsize]
    return kind(link(pv), dbr_type, np.frombuffer(raw, DTYPES[dbr_type]), arrivals)
