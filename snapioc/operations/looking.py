"""Looking: at what a restore has left, beyond the proof of its values, so that UNDO knows what there is to undo."""

from __future__ import annotations

import asyncio
import logging

import numpy as np
from numpy.typing import NDArray

from snapioc.model import NewSnapshot, Outcome, PvVerdict, Readings, value_text

from .account import Account
from .job import Job
from .left import Left
from .order import RestoreOrder
from .planning import Plan
from .plant import Plant
from .proof import Proof
from .written import Written

_log = logging.getLogger(__name__)


class Looking:
    """Looks at the PVs of one restore. Nothing was written until `wrote` says so."""

    def __init__(self, plant: Plant, job: Job, order: RestoreOrder, account: Account) -> None:
        self._plant, self._job, self._order, self._account = plant, job, order, account
        self._plan: Plan | None = None
        self._touched: NDArray[np.bool_] = np.zeros(0, bool)
        self._refused: NDArray[np.bool_] = np.zeros(0, bool)
        self._overwritten: NDArray[np.bool_] = np.zeros(0, bool)
        self._dragged = 0
        self._left = Left(order)

    def wrote(self, plan: Plan, written: Written, overwritten: NDArray[np.bool_]) -> None:
        """Take note of what may have been written, also of a write that was broken off.

        `overwritten` are those that held something else just before than at the check.
        """
        self._plan, self._touched, self._refused = plan, written.touched, written.outcomes == Outcome.REFUSED
        self._overwritten = overwritten

    @property
    def written(self) -> int:
        """How many PVs were written, or may have been."""
        return int(np.count_nonzero(self._touched))

    @property
    def unread(self) -> int:
        """How many of them could not be read afterwards."""
        return self._left.unread

    async def prove(self, sent: Plan) -> None:
        """See whether the values arrived."""
        proof = self._proof(sent)
        try:
            await proof.run()
        finally:
            self._left.see(sent, proof.found)

    async def at_rest(self) -> None:
        """Note what those hold that may have been written and were not read back."""
        if (plan := self._plan) is None:
            return
        unproved = self._account.have(plan.rows, PvVerdict.UNCHECKED, PvVerdict.LATE, PvVerdict.WRITE_FAILED)
        rest = np.flatnonzero(self._touched & unproved)
        if len(rest):
            part = plan.take(rest)
            proof = self._proof(part)
            await proof.look()
            self._left.see(part, proof.found)

    async def at_unchanged(self, part: Plan | None) -> None:
        """Find out whether a PV that was left alone, as it held its value, moved with those that were written."""
        if part is None or not self.written:
            return
        proof = self._proof(part)
        holds = await proof.look()
        off = np.flatnonzero(proof.found.ok & ~holds)
        texts = await asyncio.to_thread(proof.differences, off)
        why = {row: f"held its value before, and now {text}" for row, text in texts.items()}
        if self._order.verify:
            self._account.fail(PvVerdict.DIFFERENT, why)
            self._job.state.unchanged -= len(off)
        else:
            for row, text in why.items():
                self._account.note(row, text)
        moved = np.flatnonzero(proof.found.ok & ~proof.found.same_values(part.values))
        self._left.see(part.take(moved), proof.found.select(moved))
        self._dragged = len(moved)

    async def back(self, unchanged: Plan | None) -> None:
        """After a restore was broken off: tell what the PVs hold that may have been written, or moved with those."""
        if (plan := self._plan) is None or not self.written:
            return
        await self._at_written(plan)
        try:
            await self.at_unchanged(unchanged)
            await self._at_unwritten(plan)
        except Exception:
            # Also a defect of ours: the record has to be closed.
            _log.warning("%s: what it has not written could not be read", self._order.title, exc_info=True)

    async def _at_unwritten(self, plan: Plan) -> None:
        """Say of PVs whose turn never came if they moved all the same: UNDO will not touch them."""
        part = plan.take(np.flatnonzero(~self._touched))
        proof = self._proof(part)
        await proof.look()
        moved = np.flatnonzero(proof.found.ok & ~proof.found.same_values(part.present))
        texts = await asyncio.to_thread(_moves, part, proof.found, moved)
        self._account.fail(PvVerdict.NOT_WRITTEN, texts)

    async def _at_written(self, plan: Plan) -> None:
        part = plan.take(np.flatnonzero(self._touched & ~self._account.have(plan.rows, PvVerdict.RESTORED)))
        proof = self._proof(part)
        try:
            holds = await proof.look()
        except Exception as fault:
            # Whatever it is, also a defect of ours: the record has to be closed.
            _log.warning("%s: what it has written could not be read back", self._order.title, exc_info=True)
            why = f"may have been written: {fault}"
            self._account.fail(PvVerdict.WRITE_FAILED, dict.fromkeys(part.rows.tolist(), why))
            return
        self._account.set(part.rows[holds], PvVerdict.RESTORED)
        self._account.fail(PvVerdict.DIFFERENT, proof.differences(np.flatnonzero(~holds)))
        self._left.see(part, proof.found)

    def to_undo(self) -> tuple[int, NewSnapshot | None]:
        """How many PVs there may be to be taken back, and the snapshot of what was left; 0 if no PV can hold anything else.

        That is so of those that were written what they held already (`always`), and of those of which the server has said
        no and that indeed hold what they held before. A put that was late may still arrive.
        """
        if (plan := self._plan) is None:
            return 0, None
        refused = np.flatnonzero(self._refused)
        self._touched[refused[~self._left.moved(plan.take(refused))]] = False
        self._left.never_written(plan.take(np.flatnonzero(~self._touched)))
        other = ~plan.values.same_values(plan.present) | self._overwritten | self._left.moved(plan)
        moved = self._dragged or (self._touched & other).any()
        return (self._dragged + self.written if moved else 0), self._left.snapshot()

    def _proof(self, part: Plan) -> Proof:
        return Proof(self._plant, self._job, self._order, self._account, part)


def _moves(part: Plan, found: Readings, places: NDArray[np.intp]) -> dict[int, str]:
    """By row, what PVs that were never written hold now, and held before."""
    return {
        int(part.rows[place]): f"not written, but moved meanwhile: reads {value_text(found.reading(place))}, and "
        f"{value_text(part.present.reading(place))} before"
        for place in places.tolist()
    }
