"""From a command to its order: what a restore or undo is to write, found out before anything begins."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

from snapioc.model import (
    BEFORE_RESTORE,
    Origin,
    PvSet,
    Readings,
    Reason,
    Refused,
    RestoreRecord,
    Selection,
    Snapshot,
    StoreError,
    filter_fault,
    select,
    select_all,
)

from .order import RestoreOrder, TakesBack
from .protocols import Store
from .state import Inputs


async def restore_order(snapshot: Snapshot, inputs: Inputs, origin: Origin, now: PvSet | None = None) -> RestoreOrder:
    """What a restore of a snapshot is to do with these inputs; `now` is its set as it is configured now, None: no more.

    Raises Refused if the filter cannot mean what it says, or matches nothing.
    """
    # Many globs on many PVs take their time, and the control PVs must answer meanwhile.
    selection = await asyncio.to_thread(_selected, snapshot, inputs.filter, now)
    return RestoreOrder(
        snapshot,
        selection,
        filter=inputs.filter,
        policy=inputs.policy,
        changed_only=inputs.changed_only,
        verify=inputs.verify,
        rate=inputs.rate,
        origin=origin,
    )


def _selected(snapshot: Snapshot, filter_text: str, now: PvSet | None) -> Selection:
    pv_set, header = snapshot.pv_set, snapshot.header
    if fault := filter_fault(pv_set.pvs, filter_text):
        raise Refused(f"the filter {filter_text!r} cannot be used: {fault} (snapshot {header.id})")
    other = now if now is not None and now.digest != header.set_digest else None
    selection = select(pv_set, snapshot.readings, filter_text, other, way_back=header.kind == BEFORE_RESTORE)
    if not selection.matched:
        raise Refused(f"the filter {filter_text!r} matches no PV of snapshot {header.id}")
    return selection


async def undo_order(store: Store, set_name: str, inputs: Inputs, origin: Origin) -> RestoreOrder:
    """What takes back the last restore of a set. Raises Refused if there is none, StoreError if the store fails."""
    if open_records := [one for one in await store.unfinished_restores() if one.new.set_name == set_name]:
        raise Refused(
            f"the record of restore {open_records[0].id} is not closed: what it left is not known to the store yet"
        )
    point = await store.undo_point(set_name)
    if point is None or point.undo_id is None:
        raise Refused(f"there is no restore of {set_name} that could be undone")
    before = await store.load(point.undo_id)
    takes_back, were = await _takes_back(store, point, before)
    return RestoreOrder(
        replace(before, readings=were),
        _written(were, takes_back),
        policy=inputs.policy,
        verify=inputs.verify,
        rate=inputs.rate,
        origin=origin,
        takes_back=takes_back,
    )


async def restored_by(store: Store, record: RestoreRecord) -> Snapshot:
    """What a restore was to write. Raises StoreError.

    An UNDO also puts back PVs that had moved with others and are in no snapshot before a restore: those held what that
    restore was of.
    """
    snapshot = await store.load(record.new.snapshot_id)
    readings = snapshot.readings
    while record.new.undoes is not None:
        record = await store.restore_record(record.new.undoes)
        more = (await store.load(record.new.snapshot_id)).readings
        rows = np.flatnonzero((readings.reason == Reason.NOT_ASKED) & (more.reason != Reason.NOT_ASKED))
        readings = readings.patched(rows, more.select(rows))
    return replace(snapshot, readings=readings)


def _written(were: Readings, restore: TakesBack) -> Selection:
    """What is to be put back: not the PVs that the restore was to write, but ended before it came to."""
    rows = select_all(were).rows
    return Selection(rows[restore.left.reason[rows] != Reason.NOT_WRITTEN])


async def _takes_back(store: Store, point: RestoreRecord, before: Snapshot) -> tuple[TakesBack, Readings]:
    """A restore with what it was to write and with what it left, and what was there before it.

    PVs that held their values before it, and so were left alone, but moved with the others, are not in the snapshot before
    it: they held what was restored.
    """
    try:
        restored = (await restored_by(store, point)).readings
    except StoreError as fault:
        way = f"RESTORE_ID {point.undo_id} puts the values before it back, also of PVs that were moved since"
        raise StoreError(f"what it wrote cannot be known: {fault} ({way})") from fault
    were = before.readings
    wanted = left = replace(restored, reason=np.where(were.ok, restored.reason, np.uint8(Reason.NOT_ASKED)))
    if point.after_id is not None:
        after = (await store.load(point.after_id)).readings
        dragged = np.flatnonzero((after.reason != Reason.NOT_ASKED) & (were.reason == Reason.NOT_ASKED))
        were, wanted = (side.patched(dragged, restored.select(dragged)) for side in (were, wanted))
        rows = np.flatnonzero(after.reason != Reason.NOT_ASKED)
        left = wanted.patched(rows, after.select(rows))
    return TakesBack(point.id, point.new.snapshot_id, wanted, left), were
