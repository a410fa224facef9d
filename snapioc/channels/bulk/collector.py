"""Collector: Readings in the making, a column at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapioc.model import DTYPES, MAX_STRING, DbrType, Flag, Metadata, Readings, Reason

from ..get import Reply
from .slots import HEADER, OFFSETS, Answers

_DTYPES = {
    "bits": "<u8",
    "count": "<i4",
    "metadata": "<i4",
    "status": "<u2",
    "severity": "<u2",
    "seconds": "<u4",
    "nanoseconds": "<u4",
    "reason": "<u1",
    "dbr_type": "<u1",
    "flags": "<u1",
}
_STAMPS = ("status", "severity", "seconds", "nanoseconds")


class Collector:
    """Rows that are set in any order; those that never are stay missing as NO_ANSWER."""

    def __init__(self, size: int) -> None:
        self._columns: dict[str, NDArray[Any]] = {name: np.zeros(size, dtype) for name, dtype in _DTYPES.items()}
        self._columns["reason"][:] = Reason.NO_ANSWER
        self._columns["metadata"][:] = -1
        self._raw: dict[int, bytes] = {}

    def missing(self, rows: NDArray[np.intp], reason: Reason) -> None:
        """Say why rows could not be read."""
        self._columns["reason"][rows] = reason

    def scalars(self, rows: NDArray[np.intp], dbr_type: DbrType, answers: Answers, metadata: NDArray[np.int32]) -> None:
        """Set rows to what was in their slots; texts as they are, but not beyond what a DBR_STRING can hold."""
        columns = self._columns
        for name in _STAMPS:
            columns[name][rows] = answers.header[name]
        columns["reason"][rows], columns["count"][rows], columns["dbr_type"][rows] = Reason.OK, 1, dbr_type
        columns["bits"][rows], columns["metadata"][rows] = answers.bits, metadata
        self._raw.update(zip(rows.tolist(), answers.texts, strict=False))

    def arrays(self, rows: NDArray[np.intp], dbr_type: DbrType, replies: list[Reply], metadata: NDArray[np.int32]) -> None:
        """Set rows to the numbers in replies of one type."""
        columns, offset, size = self._columns, OFFSETS[dbr_type], DTYPES[dbr_type].itemsize
        header = np.frombuffer(b"".join([reply.data[: HEADER.itemsize] for reply in replies]), HEADER)
        for name in _STAMPS:
            columns[name][rows] = header[name]
        columns["reason"][rows], columns["dbr_type"][rows] = Reason.OK, dbr_type
        columns["count"][rows], columns["metadata"][rows] = [reply.count for reply in replies], metadata
        for row, reply in zip(rows.tolist(), replies, strict=True):
            raw = reply.data[offset : offset + reply.count * size]
            if reply.count == 1:
                columns["bits"][row] = int.from_bytes(raw, "little")
            else:
                self._raw[row] = raw

    def texts(self, row: int, texts: list[bytes], stamps: dict[str, int], metadata: int) -> None:
        """Set a row to its texts; one is the same, whether the channel can hold more or not."""
        columns = self._columns
        for name, stamp in stamps.items():
            columns[name][row] = stamp
        columns["reason"][row], columns["count"][row], columns["dbr_type"][row] = Reason.OK, len(texts), DbrType.STRING
        columns["metadata"][row], columns["flags"][row] = metadata, Flag.NONE
        self._raw[row] = texts[0] if len(texts) == 1 else b"".join(text.ljust(MAX_STRING, b"\0") for text in texts)

    def flag(self, row: int, flag: Flag) -> None:
        """Say what else is known of a row."""
        self._columns["flags"][row] = flag

    def cut(self, row: int, longest: int) -> None:
        """Shorten the row's texts to so many bytes, and say that it was done."""
        raw, count = self._raw[row], int(self._columns["count"][row])
        if count == 1:
            self._raw[row] = raw[:longest]
        else:
            texts = (raw[at : at + longest] for at in range(0, len(raw), MAX_STRING))
            self._raw[row] = b"".join(text.ljust(MAX_STRING, b"\0") for text in texts)
        self.flag(row, Flag.CUT)

    def build(self, rows: NDArray[np.intp], metadatas: list[Metadata], started: float, finished: float) -> Readings:
        """Readings of these rows, in the order given; each may be there several times."""
        columns = {name: column[rows] for name, column in self._columns.items()}
        columns["metadata"], known = _in_use(columns["metadata"], metadatas)
        sizes = np.zeros(len(self._columns["reason"]), np.int64)
        sizes[list(self._raw)] = [len(raw) for raw in self._raw.values()]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(sizes[rows], out=offsets[1:])
        heap = b"".join([self._raw[row] for row in rows[sizes[rows] > 0].tolist()])
        return Readings(**columns, offsets=offsets, heap=heap, metadatas=known, started=started, finished=finished)


def _in_use(metadata: NDArray[np.int32], metadatas: list[Metadata]) -> tuple[NDArray[np.int32], tuple[Metadata, ...]]:
    """The metadata that the rows have, and their numbers among them."""
    used = np.zeros(len(metadatas) + 1, bool)
    used[metadata] = True  # -1 marks the last
    used[-1] = False
    numbers = np.cumsum(used, dtype=np.int32) - 1
    return np.where(metadata >= 0, numbers[metadata], -1).astype(np.int32), tuple(
        metadatas[number] for number in np.flatnonzero(used).tolist()
    )
