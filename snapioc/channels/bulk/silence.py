"""Silence: for how long nothing has been heard, and how long to sleep before looking again."""

from __future__ import annotations

import time

from ..arrivals import SLICE

SHORTEST, LONGEST = 0.0003, 0.02


class Silence:
    """Counted in slices, not by the clock: when the loop itself was held up, answers may be there already."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._quiet = 0.0
        self._looked = time.monotonic()

    @property
    def over(self) -> bool:
        """True if nothing was heard for as long as one is prepared to wait."""
        return self._quiet >= self._timeout

    @property
    def pause(self) -> float:
        """Seconds to sleep: the longer nothing comes, the longer."""
        return min(LONGEST, SHORTEST + self._quiet / 20)

    def look(self, *, heard: bool) -> None:
        """Say whether something was heard since the last look."""
        now = time.monotonic()
        self._quiet = 0.0 if heard else self._quiet + min(now - self._looked, SLICE, self._timeout / 10)
        self._looked = now
