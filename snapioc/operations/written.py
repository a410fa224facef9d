"""Written: what has become of each row of a write so far; true at any moment, also when the write is broken off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snapioc.model import Outcome

from .ways import Rows

# A record takes its value before its processing fails, and then the server says no (dbAccess.c, dbPut).
_MAY_HAVE_ARRIVED = (Outcome.DONE, Outcome.PENDING, Outcome.REFUSED, Outcome.DISCONNECTED)
_SENT = (Outcome.DONE, Outcome.PENDING)


class Written:
    """A row per PV. `outcomes` holds NOT_SENT for those whose turn has not come, and PENDING for those on their way, in the
    middle of a ramp, or of which it is not known because waiting for them was given up.

    `touched`: may not hold what it held before. `late`: its own timeout ran out, or its ramp was broken off because its IOC
    did not answer. `at_once`: has a `ramp`, but a value that cannot be ramped, and was written at once.
    """

    def __init__(self, size: int) -> None:
        self.outcomes = np.full(size, Outcome.NOT_SENT, np.uint8)
        self.touched = np.zeros(size, bool)
        self.late = np.zeros(size, bool)
        self.at_once = np.zeros(size, bool)

    @property
    def sent(self) -> Rows:
        """The rows that were written as far as the server said, or were sent: the read-back tells."""
        return np.flatnonzero(np.isin(self.outcomes, _SENT))

    def failed(self, *, verify: bool) -> NDArray[np.bool_]:
        """The rows that were tried and have failed: without a read-back (`verify`) also those that are PENDING."""
        held = self.outcomes == Outcome.NOT_SENT
        good = np.isin(self.outcomes, _SENT if verify else _SENT[:1])
        failed: NDArray[np.bool_] = ~held & (~good | self.late)
        return failed

    def begin(self, rows: Rows) -> NDArray[np.bool_]:
        """These rows are on their way from now on; returns which of them were touched before."""
        before = self.touched[rows]
        self.touched[rows] = True
        self.outcomes[rows] = Outcome.PENDING
        return before

    def end(self, rows: Rows, outcomes: NDArray[np.uint8], before: NDArray[np.bool_]) -> None:
        """The outcomes of rows of which `begin` said `before`."""
        self.outcomes[rows] = outcomes
        self.touched[rows] = before | np.isin(outcomes, _MAY_HAVE_ARRIVED)
