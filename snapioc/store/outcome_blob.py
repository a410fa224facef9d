"""The verdicts of a restore as one packed blob: they are read whole or not at all, and never compared with others."""

from __future__ import annotations

import json

import numpy as np

from snapioc.model import Outcomes

from .blocks import Block, pack_all, unpack

_COUNT = np.dtype("<u4")
_ROW = np.dtype("<i4")


def encode(outcomes: Outcomes) -> bytes:
    """How many they are, the rows as differences (mostly 1), the verdicts, and the texts as JSON; packed."""
    texts = json.dumps({str(row): text for row, text in outcomes.texts.items()}, separators=(",", ":"))
    parts = (
        np.array([len(outcomes)], _COUNT),
        np.diff(outcomes.rows, prepend=0).astype(_ROW),
        outcomes.verdicts.astype(np.uint8),
    )
    block = Block.of(b"".join(part.tobytes() for part in parts) + texts.encode(), 1)
    return pack_all([block])[block.digest]


def decode(data: bytes) -> Outcomes:
    """The outcomes that `encode` packed. Raises ValueError if the blob is damaged."""
    content = unpack((data, 1))
    count = int(np.frombuffer(content, _COUNT, 1)[0])
    end_of_rows = _COUNT.itemsize + count * _ROW.itemsize
    return Outcomes(
        rows=np.cumsum(np.frombuffer(content, _ROW, count, _COUNT.itemsize), dtype=np.int32),
        verdicts=np.frombuffer(content, np.uint8, count, end_of_rows),
        texts={int(row): text for row, text in json.loads(content[end_of_rows + count :]).items()},
    )
