"""What the repetition of one set shows of itself, free of any CA."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from snapioc.model import SnapshotHeader

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class RepeatState:
    """`last_time` and `message_at` are Unix time, `late` is in milliseconds.

    `message` is the last reason for which a snapshot was missed, or for which old ones could not be deleted; `watched` says
    what is waited for now. `window_events`, `window_pvs` and `window_lines` are of the newest window.
    """

    last_id: int = 0
    last_time: float = 0.0
    taken: int = 0
    missed: int = 0
    late: float = 0.0
    message: str = ""
    message_at: float = 0.0
    watched: str = ""
    window_events: int = 0
    window_pvs: int = 0
    window_lines: tuple[str, ...] = ()


@dataclass
class Account:
    """Counts what was taken and what was missed. The log tells of a reason when it is another one than the last."""

    set_name: str
    time: Callable[[], float]
    state: RepeatState = field(default_factory=RepeatState)
    _logged: str = ""

    def took(self, header: SnapshotHeader) -> None:
        """Count a snapshot that was committed."""
        self.state.taken += 1
        self.remember(header)

    def remember(self, header: SnapshotHeader) -> None:
        """Note the newest automatic snapshot."""
        if header.id > self.state.last_id:
            self.state.last_id, self.state.last_time = header.id, header.taken_at

    def missed(self, count: int, why: str) -> None:
        """Count snapshots that were due and could not be taken."""
        if count:
            self.state.missed += count
            self.failed(f"missed: {why}")

    def failed(self, why: str) -> None:
        """Show what went wrong."""
        self.state.message, self.state.message_at = why, self.time()
        if why != self._logged:
            self._logged = why
            _log.warning("automatic snapshots of %s: %s", self.set_name, why)
