"""From a command to its order: what a restore or undo is to write, found out before anything begins."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

from snapioc.model import Origin, Reason, Refused, RestoreRecord, Snapshot, StoreError, select, select_all

from .order import RestoreOrder, TakesBack
from .protocols import Store
from .state import Inputs


async def restore_order(snapshot: Snapshot, inputs: Inputs, origin: Origin) -> RestoreOrder:
    """What a restore of a snapshot is to do with these inputs. Raises Refused if the filter matches nothing."""
    # Many globs on many PVs take their time, and the control PVs must answer meanwhile.
    selection = await asyncio.to_thread(select, snapshot.pv_set, snapshot.readings, inputs.filter)
    if not selection.matched:
        raise Refused(f"the filter {inputs.filter!r} matches no PV of snapshot {snapshot.header.id}")
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
    return RestoreOrder(
        before,
        select_all(before.readings),
        policy=inputs.policy,
        verify=inputs.verify,
        rate=inputs.rate,
        origin=origin,
        takes_back=await _takes_back(store, point, before),
    )


async def _takes_back(store: Store, point: RestoreRecord, before: Snapshot) -> TakesBack:
    """A restore with what it was to write, and with what it left."""
    try:
        restored = (await store.load(point.new.snapshot_id)).readings
    except StoreError as fault:
        way = f"RESTORE_ID {point.undo_id} puts the values before it back, also of PVs that were moved since"
        raise StoreError(f"what it wrote cannot be known: {fault} ({way})") from fault
    untouched = np.where(before.readings.ok, restored.reason, np.uint8(Reason.NOT_ASKED))
    wanted = left = replace(restored, reason=untouched)
    if point.after_id is not None:
        after = (await store.load(point.after_id)).readings
        rows = np.flatnonzero(after.reason != Reason.NOT_ASKED)
        left = wanted.patched(rows, after.select(rows))
    return TakesBack(point.id, point.new.snapshot_id, wanted, left)
