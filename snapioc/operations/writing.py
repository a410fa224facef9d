"""Writing: the values of many PVs, group by group in the set's order, each in its own way.

Decided: plain members go in bulk, one batch after the other. Members with `wait` all begin together when their group begins
(in batches if there is a rate), each with its own timeout, and those with `ramp` move side by side, ten steps a second;
batches, waits and ramps of a group run at the same time, and the next group begins when all have ended. The rate is that of
batches and waits: the steps of ramps are slow by themselves.

Under Strict nothing more is sent once a write has failed: no batch, no step of a ramp, no group. Waiting is given up then,
as with ABORT: it changes nothing in the machine, and an operator who has to take the restore back must not wait for a
cryostat first. A put that was to be waited for and was not done in its time has failed. A plain one that is PENDING is left
to the read-back, if there is one.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

import numpy as np

from snapioc.model import Readings

from .job import Aborted
from .pace import Pace
from .protocols import Channels
from .ramp import LONGEST, PERIOD, Ramp, can_ramp
from .sending import Control, Sender
from .state import Status
from .ways import Rows, Ways
from .written import Written


class Look(Protocol):
    """What is asked while a write goes on; see `SecondLook`."""

    async def at(self, rows: Rows) -> tuple[Rows, Readings | None]:
        """Those of the rows that may be written, and what they hold if it has looked."""

    async def require_permit(self) -> None:
        """Raise Failed if nothing may be written any more."""


class Writing:
    """One write: row i of `ways`, `values` (of the channels' types) and `present` belong to the same PV.

    `timeout` (s) is that of plain writes, and of waits whose member says none; `stop_on_failure` is Strict; `verify` says
    whether there will be a read-back. `look` says just before rows are written which of them still may be, and if it has
    looked what they hold. `written` tells what became of each row, also after `run` has raised.
    """

    def __init__(
        self,
        channels: Channels,
        ways: Ways,
        values: Readings,
        present: Readings,
        control: Control,
        *,
        pace: Pace,
        timeout: float,
        stop_on_failure: bool,
        verify: bool,
        look: Look,
    ) -> None:
        self._look = look
        self._ways, self._values, self._present, self._control, self._pace = ways, values, present, control, pace
        self._ramped = ~np.isnan(ways.ramp)
        self.written = Written(len(ways))
        self._sender = Sender(
            channels,
            ways,
            self.written,
            control,
            timeout=timeout,
            stop_on_failure=stop_on_failure,
            verify=verify,
        )

    @property
    def stopped(self) -> bool:
        """True if a failed write has stopped it."""
        return self._sender.stopped

    async def run(self) -> None:
        """Write all. Raises Aborted at ABORT, and SnapError if the CA client does not answer."""
        for place in np.unique(self._ways.order).tolist():
            if self.stopped:
                return
            self._control.safe_point()
            await self._group(np.flatnonzero(self._ways.order == place))

    async def _group(self, rows: Rows) -> None:
        ramped, wait = self._ramped[rows], self._ways.wait[rows]
        if not (ramped | wait).any():
            await self._write_all(rows)
            return
        await self._control.show(Status.WRITING)
        sender = self._sender
        parts = (
            lambda: self._wait_for_all(rows[wait & ~ramped]),
            lambda: self._write_all(rows[~wait & ~ramped]),
            lambda: self._ramp_all(rows[ramped]),
        )
        movers = [asyncio.create_task(sender.guard(part)) for part in parts]
        try:
            await asyncio.wait(movers)
            if not self.stopped and any(not task.done() for task in sender.waits):
                await self._control.show(Status.WAITING)
                await asyncio.wait(sender.waits)
        finally:
            ends = await _end([*movers, *sender.waits])
            sender.waits.clear()
        _raise(ends)

    async def _write_all(self, rows: Rows) -> None:
        for batch in self._batches(rows, self._pace.batch):
            ready = await self._ready(batch)
            if self.stopped:
                return
            if len(ready):
                await self._sender.write(ready, self._values_of(ready))

    async def _wait_for_all(self, rows: Rows) -> None:
        for batch in self._batches(rows, self._pace.batch if self._pace.rate else len(rows)):
            ready = await self._ready(batch)
            if self.stopped:
                return
            if len(ready):
                self._sender.begin_wait(ready, self._values_of(ready))

    def _batches(self, rows: Rows, size: int) -> list[Rows]:
        return [rows[start : start + size] for start in range(0, len(rows), max(size, 1))]

    async def _ready(self, batch: Rows) -> Rows:
        """Those of a batch that may go, when it is its turn."""
        self._control.safe_point()
        if self._pace.rate:
            await self._control.abortable(self._pace.turn(len(batch)))
        return batch if self.stopped else (await self._look.at(batch))[0]

    async def _ramp_all(self, rows: Rows) -> None:
        rows, start = await self._start(rows)
        ramp = Ramp(start, self._values.select(rows), self._ways.ramp[rows])
        elapsed = PERIOD  # the first step goes at once, and is worth a period
        while not ramp.arrived.all() and not self.stopped:
            self._control.safe_point()
            await self._look.require_permit()
            begun = time.monotonic()
            await self._step(ramp, rows, elapsed)
            if not ramp.arrived.all():
                await self._control.abortable(asyncio.sleep(begun + PERIOD - time.monotonic()))
            elapsed += min(time.monotonic() - begun, LONGEST)

    async def _start(self, rows: Rows) -> tuple[Rows, Readings]:
        """Where ramps begin; those that cannot begin there are written at once."""
        rows, found = await self._look.at(rows)
        start = self._present.select(rows) if found is None else found
        able = can_ramp(start, self._values.select(rows), self._ways.ramp[rows])
        if not able.all():
            self.written.at_once[rows[~able]] = True
            wait = self._ways.wait[rows]
            await self._wait_for_all(rows[~able & wait])
            await self._write_all(rows[~able & ~wait])
        return rows[able], start.select(np.flatnonzero(able))

    async def _step(self, ramp: Ramp, rows: Rows, elapsed: float) -> None:
        """One step of all ramps; the last one of each is an ordinary write, or one that is waited for beside the others."""
        moving, values = ramp.step(elapsed)
        last = ramp.arrived[moving]
        wait = last & self._ways.wait[rows[moving]]
        at = np.flatnonzero(wait)
        if len(at):
            self._sender.begin_wait(rows[moving[at]], values.select(at))
        at = np.flatnonzero(~wait)
        if len(at):
            broken = await self._sender.step(rows[moving[at]], values.select(at), last[at])
            ramp.end(moving[at[broken]])

    def _values_of(self, rows: Rows) -> Readings:
        return self._values if len(rows) == len(self._values) else self._values.select(rows)


async def _end(tasks: list[asyncio.Task[None]]) -> list[Any]:
    """End tasks that have not ended; what each of them returned or raised."""
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


def _raise(ends: list[Any]) -> None:
    """Raise what ended a group: rather a fault than that ABORT was put."""
    raised = [end for end in ends if isinstance(end, Exception)]
    for end in sorted(raised, key=lambda end: isinstance(end, Aborted)):
        raise end
