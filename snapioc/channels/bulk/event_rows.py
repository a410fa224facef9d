"""EventRows: what subscriptions said, as Readings; thousands at a time, without Python work per number."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DTYPES, MAX_STRING, DbrType, Readings, Reason

from .. import eca
from ..get import Reply
from ..reply_content import TIME, stamps_of
from .asking import Rows
from .collector import Collector
from .core import Core
from .descriptions import KNOWN
from .monitors import LOSS, OVERRUN, Item
from .slots import HEADER, OFFSETS, Answers, texts_of

_LONGEST = MAX_STRING - 1
_CODES = frozenset(TIME + dbr_type for dbr_type in DbrType)
_REASONS = {LOSS: Reason.DISCONNECTED, OVERRUN: Reason.EVENTS_LOST, -eca.ECA_NORDACCESS: Reason.NO_READ_ACCESS}


def readings_of(core: Core, items: Sequence[Item], channels: Rows) -> Readings:
    """A row for each item, which is about the channel in the same place."""
    codes = np.array([item.code for item in items], np.int64)
    counts = np.array([item.elements for item in items], np.int64)
    table = core.table
    metadata = np.where(table.described[channels] == KNOWN, table.metadata[channels], -1).astype(np.int32)
    collector = Collector(len(items))
    for code in np.unique(codes).tolist():
        places = np.flatnonzero(codes == code)
        if code < 0:
            collector.missing(places, _REASONS.get(code, Reason.READ_REFUSED))
        elif code not in _CODES:
            collector.missing(places, Reason.UNREADABLE)
        elif code == TIME + DbrType.STRING:
            _take_texts(collector, items, places, metadata, single=table.element_count[channels] == 1)
        else:
            _take_numbers(collector, DbrType(code - TIME), items, places, counts, metadata)
    now = time.time()
    return collector.build(np.arange(len(items)), core.descriptions.metadatas, now, now)


def _take_numbers(
    collector: Collector,
    dbr_type: DbrType,
    items: Sequence[Item],
    places: Rows,
    counts: NDArray[np.int64],
    metadata: NDArray[np.int32],
) -> None:
    single = places[counts[places] == 1]
    if len(single):
        answers = _scalars(dbr_type, b"".join([items[place].data for place in single.tolist()]), len(single))
        collector.scalars(single, dbr_type, answers, metadata[single])
    several = places[counts[places] != 1]
    if len(several):
        replies = [_reply(items[place]) for place in several.tolist()]
        collector.arrays(several, dbr_type, replies, metadata[several])


def _scalars(dbr_type: DbrType, raw: bytes, number: int) -> Answers:
    """Structures of one number each."""
    structures = np.frombuffer(raw, np.uint8).reshape(number, -1)
    bits = np.zeros((number, 8), np.uint8)
    offset, size = OFFSETS[dbr_type], DTYPES[dbr_type].itemsize
    bits[:, :size] = structures[:, offset : offset + size]
    header = structures[:, : HEADER.itemsize].copy().view(HEADER)[:, 0]
    return Answers(header, bits.view(np.uint64)[:, 0], [])


def _take_texts(
    collector: Collector, items: Sequence[Item], places: Rows, metadata: NDArray[np.int32], single: NDArray[np.bool_]
) -> None:
    """Texts; one that may be longer than a DBR_STRING can tell is marked as cut."""
    for place in places.tolist():
        reply = _reply(items[place])
        texts = texts_of(reply)
        if single[place]:
            texts = texts[:1] or [b""]
        collector.texts(place, texts, stamps_of(reply), int(metadata[place]))
        if any(len(text) > _LONGEST for text in texts) or (single[place] and len(texts[0]) >= _LONGEST):
            collector.cut(place, _LONGEST)


def _reply(item: Item) -> Reply:
    return Reply(eca.ECA_NORMAL, item.code, item.elements, item.data)
