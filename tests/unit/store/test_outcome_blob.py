from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapioc.model import Outcomes, PvVerdict
from snapioc.store.outcome_blob import decode, encode

PAIRS = st.dictionaries(st.integers(0, 2**31 - 1), st.tuples(st.sampled_from(PvVerdict), st.text()), max_size=30)


@given(PAIRS)
def test_any_outcomes_come_back(pairs: dict[int, tuple[PvVerdict, str]]) -> None:
    rows = sorted(pairs)
    outcomes = Outcomes(
        np.array(rows, np.int32),
        np.array([pairs[row][0] for row in rows], np.uint8),
        {row: text for row, (_, text) in pairs.items() if text},
    )
    back = decode(encode(outcomes))
    assert (back.rows.dtype, back.verdicts.dtype) == (np.int32, np.uint8)
    assert back.rows.tolist() == rows
    assert back.verdicts.tolist() == outcomes.verdicts.tolist()
    assert back.texts == outcomes.texts


def test_text_that_is_no_unicode_comes_back() -> None:
    texts = {0: "bad \udcff byte, NUL \0, é"}
    assert decode(encode(Outcomes(np.zeros(1, np.int32), np.zeros(1, np.uint8), texts))).texts == texts


def test_a_restore_without_trouble_takes_next_to_nothing() -> None:
    assert len(encode(Outcomes(np.arange(40_000, dtype=np.int32), np.zeros(40_000, np.uint8)))) < 200


def test_every_damaged_byte_is_noticed() -> None:
    outcomes = Outcomes(np.arange(5, dtype=np.int32), np.full(5, 7, np.uint8), {3: "clamped to 10"})
    packed = encode(outcomes)
    for position in range(len(packed)):
        damaged = bytearray(packed)
        damaged[position] ^= 0x10
        try:
            assert decode(bytes(damaged)).texts == outcomes.texts
        except ValueError as fault:
            assert "block" in str(fault)


@pytest.mark.parametrize("end", [0, 3, -1])
def test_a_truncated_blob_is_refused(end: int) -> None:
    with pytest.raises(ValueError, match="cannot be unpacked"):
        decode(encode(Outcomes())[:end])
