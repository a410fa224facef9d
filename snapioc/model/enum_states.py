"""When two enum readings are the same states, and which state of now a stored one is: by label where both sides have
labels, otherwise by index.

A label that two states share, or an empty one, names no state: such a state goes by its index.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .batches import Batch, Rows, batches, elements, same_bytes
from .readings import Readings


def same_states(stored: Readings, other: Readings, rows: Rows) -> NDArray[np.bool_]:
    """For each of the given rows, which are enums of equal length on both sides, whether they are the same states."""
    known: dict[tuple[str, ...], int] = {}
    left, right = label_numbers(stored, rows, known), label_numbers(other, rows, known)
    same = same_bytes(stored, other, rows)
    unlike = np.flatnonzero(left != right)
    unlike = unlike[stored.count[rows[unlike]] > 0]
    sets = list(known)
    for places in batches(unlike, stored.count[rows[unlike]], left[unlike], right[unlike]):
        batch, first = Batch(rows[places.rows], places.counts), places.rows[0]
        same[places.rows] = _same(batch, stored, other, sets[left[first]], sets[right[first]])
    return same


def label_numbers(readings: Readings, rows: Rows, known: dict[tuple[str, ...], int]) -> NDArray[np.intp]:
    """For each row a number that is the same for the same labels; -1 as metadata, which is none, has none."""
    ids, places = np.unique(readings.metadata[rows], return_inverse=True)
    metadatas = readings.metadatas
    labels = (metadatas[number].labels if number >= 0 else () for number in ids.tolist())
    return np.array([known.setdefault(names, len(known)) for names in labels], np.intp)[places]


def index_now(index: int, stored: tuple[str, ...], live: tuple[str, ...] | None) -> int:
    """The index that a state of these stored labels has among those of now; None: these are not known.

    A state without a label of its own keeps its index, and so do all if one side has no labels at all (bo and mbbo then show
    empty ones). Raises ValueError if there is no such state now, or the one of this index has another label.
    """
    if not any(stored):
        return existing(index, live)
    if live is None:
        raise ValueError("the labels that the PV's states have now are not known yet")
    if not any(live):
        return existing(index, live)
    was, now = _label(index, stored), _label(index, live)
    if was == now:
        return index
    if not _is_own(was, stored):
        shared = " as other states were" if was else ""
        raise ValueError(f"state {index} {_called(was)}{shared} when it was stored, but {_called(now, past=False)} now")
    if live.count(was) == 1:
        return live.index(was)
    raise ValueError(f"the PV has no state {was!r} now")


def existing(index: int, live: tuple[str, ...] | None) -> int:
    """The index itself, if as many states are known. Raises ValueError if there are fewer."""
    if live and index >= len(live):
        raise ValueError(f"the PV has no state {index} now, only {len(live)} states")
    return index


def _label(index: int, labels: tuple[str, ...]) -> str:
    return labels[index] if index < len(labels) else ""


def _called(label: str, *, past: bool = True) -> str:
    if label:
        return f"{'was' if past else 'is'} {label!r}"
    return f"{'had' if past else 'has'} no label"


def _is_own(label: str, labels: tuple[str, ...]) -> bool:
    return label != "" and labels.count(label) == 1


def _same(
    batch: Batch, stored: Readings, other: Readings, labels: tuple[str, ...], other_labels: tuple[str, ...]
) -> NDArray[np.bool_]:
    """For each row, of states with these labels: the same labels if every state has one of its own, or the same indices."""
    known: dict[str, int] = {}
    indices, other_indices = elements(stored, batch), elements(other, batch)
    left, right = _own(indices, labels, known), _own(other_indices, other_labels, known)
    named = batch.all((left >= 0) & (right >= 0))
    return np.where(named, batch.all(left == right), batch.all(indices == other_indices))


def _own(indices: NDArray[np.uint16], labels: tuple[str, ...], known: dict[str, int]) -> NDArray[np.intp]:
    """For each state a number that is the same for the same label, -1 for one without a label of its own."""
    own = [known.setdefault(name, len(known)) if _is_own(name, labels) else -1 for name in labels]
    return np.array([*own, -1], np.intp)[np.minimum(indices, len(labels))]
