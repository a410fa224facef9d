"""Breaker: whether a server that holds its connection still answers on it."""

from __future__ import annotations

from .arrivals import SLICE

PROBE_AFTER = 2.0
"""Seconds of silence after which a server is asked something, so that it is known to answer when nobody reads."""

HUNG_AFTER = 5.0
"""Seconds for which a server owes an answer and says nothing at all, after which it is called hung.

With PROBE_AFTER 7 s after its last word: before libca gives the circuit up, some 10 s after it. A server that takes 3 s
under load is not called so.
"""

LATE_AFTER = 1.0
"""Seconds of the same after which a read that has given it up makes the following ones not wait for it."""


class Breaker:
    """One circuit's; whatever is heard on it closes it. Time is counted in slices (see `Silence`): when this process itself
    was held up, answers may be there already.
    """

    def __init__(self) -> None:
        self.hung = False
        """It is called hung: nothing is sent to it but the one question that is on its way."""
        self.late = False
        """A read has waited for it in vain: the next one does not, though it may yet answer."""
        self._quiet = self._owing = 0.0

    @property
    def due(self) -> bool:
        """True if it has been silent for so long that it should be asked something."""
        return self._quiet >= PROBE_AFTER

    def look(self, *, heard: bool, owed: bool, lived: float) -> None:
        """Say whether anything was heard in the last `lived` seconds, and whether it owes an answer."""
        if heard:
            self.hung = self.late = False
            self._quiet = self._owing = 0.0
            return
        lived = min(lived, SLICE)
        self._quiet += lived
        self._owing = self._owing + lived if owed else 0.0
        self.hung = self.hung or self._owing >= HUNG_AFTER

    def gave_up(self) -> None:
        """A read has waited for it for its whole deadline."""
        self.late = self.late or self._owing >= LATE_AFTER

    def unresponsive(self) -> None:
        """libca itself has given it up, though it holds its connection."""
        self.hung = True

    def gone(self) -> None:
        """The connection has ended: there is nothing that could hang."""
        self.hung = self.late = False
        self._owing = 0.0
