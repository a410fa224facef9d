"""Intake: what has come in for one read; what is done with it depends on what was asked."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

import numpy as np

from snapioc.model import Reason

from .. import eca
from ..arrivals import Tally
from ..get import Reply
from .asking import Rows
from .table import Table

_FAILURES = {eca.ECA_DISCONN: Reason.DISCONNECTED, eca.ECA_NORDACCESS: Reason.NO_READ_ACCESS}


class Intake(ABC):
    """Takes answers; a row is `done` when nothing more is to come for it.

    `last` is the Unix time at which a row was done last. Row i belongs to the channel `channels[i]`; these rise.
    """

    def __init__(self, table: Table, channels: Rows, tally: Tally) -> None:
        self.done = np.zeros(len(channels), bool)
        self.last = time.time()
        self._table, self._channels, self._tally = table, channels, tally
        self._heard = False

    @property
    def complete(self) -> bool:
        """Whether all rows are done."""
        return self._tally.done == len(self._channels)

    @abstractmethod
    def take_slots(self, rows: Rows, channels: Rows) -> None:
        """Rows whose answers are in the places of their channels."""

    @abstractmethod
    def take_replies(self, replies: list[tuple[int, Reply]]) -> None:
        """Rows and what get-callbacks have brought for them."""

    @abstractmethod
    def look(self) -> None:
        """See whether anything has come that nobody else sees."""

    def missing(self, rows: Rows, reason: Reason) -> None:
        """Rows that will not be read."""
        self.finish(rows)

    def refused(self, row: int, status: int) -> None:
        """A row that a server, or libca, has refused to read."""
        self.missing(np.array([row]), _FAILURES.get(status, Reason.READ_REFUSED))

    def row(self, channel: int) -> int:
        """The row of a channel."""
        return int(np.searchsorted(self._channels, channel))

    def heard(self) -> None:
        """Something has come in."""
        self._heard = True

    def take_heard(self) -> bool:
        """Whether anything has come in since the last call."""
        heard, self._heard = self._heard, False
        return heard

    def finish(self, rows: Rows) -> None:
        """These rows are done."""
        self._tally.done += int(np.count_nonzero(~self.done[rows]))
        self.done[rows] = True
        self._heard = True
        self.last = time.time()
