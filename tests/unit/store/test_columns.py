from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapioc.model import DbrType, Metadata, Readings, ReadingsBuilder
from snapioc.store.blocks import Block
from snapioc.store.columns import PART, SLOTS, Column, Key, decode, encode, to_readings
from tests.unit.model.make import ROWS, Row, readings

from .material import assert_same, doubles, everything

FIRST_METADATA_ID = 7


def ids_of(original: Readings) -> np.ndarray:
    return np.arange(FIRST_METADATA_ID, FIRST_METADATA_ID + len(original.metadatas))


def encoded(original: Readings, slots: list[int]) -> dict[Key, Block]:
    return encode(original, np.array(slots, np.int32), ids_of(original))


def back(blocks: dict[Key, Block], slots: list[int], original: Readings) -> Readings:
    decoded = decode({key: block.raw for key, block in blocks.items()}, np.array(slots, np.int32))
    known: dict[int, Metadata] = dict(enumerate(original.metadatas, FIRST_METADATA_ID))
    return to_readings(*decoded, known, (original.started, original.finished))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(ROWS, st.integers(0, 3 * SLOTS)), max_size=30, unique_by=lambda pair: pair[1]))
def test_any_readings_in_any_slots_come_back(pairs: list[tuple[Row, int]]) -> None:
    original = readings(*(row for row, _ in pairs))
    slots = [slot for _, slot in pairs]
    assert_same(back(encoded(original, slots), slots, original), original)


@pytest.mark.parametrize("step", [1, -1, 700, -700])
def test_everything_comes_back(step: int) -> None:
    original = everything()
    slots = [5000 + step * row if step < 0 else step * row for row in range(len(original))]
    slots = [slot + 15_000 * (step == -700) for slot in slots]
    assert_same(back(encoded(original, slots), slots, original), original)


def test_only_positions_with_members_have_blocks() -> None:
    blocks = encoded(doubles(np.ones(2)), [3, 5 * SLOTS])
    assert {key.slot for key in blocks} == {0, 5 * SLOTS}
    assert Column.HEAP not in {key.column for key in blocks}


def test_one_changed_value_changes_one_block() -> None:
    values = np.arange(3.0 * SLOTS)
    before = encoded(doubles(values), list(range(3 * SLOTS)))
    values[SLOTS + 1] += 1
    after = encoded(doubles(values), list(range(3 * SLOTS)))
    assert [key for key in before if before[key] != after[key]] == [Key(Column.BITS, SLOTS)]


def test_a_new_pv_at_the_top_of_the_file_changes_only_the_last_position() -> None:
    values = np.arange(2.0 * SLOTS)
    before = encoded(doubles(values), list(range(2 * SLOTS)))
    original = doubles(np.append(-1.0, values))
    shifted = replace(original, nanoseconds=np.append(0, doubles(values).nanoseconds).astype("<u4"))
    after = encoded(shifted, [2 * SLOTS, *range(2 * SLOTS)])
    assert {key: after[key] for key in before} == before
    assert {key.slot for key in set(after) - set(before)} == {2 * SLOTS}


def test_a_removed_pv_leaves_zeros() -> None:
    original = doubles(np.array([1.0, 2.0, 3.0]))
    blocks = encoded(original.select([0, 2]), [0, 2])
    for column in (Column.BITS, Column.SECONDS, Column.NANOSECONDS):
        numbers = np.frombuffer(blocks[Key(column, 0)].raw, f"<u{blocks[Key(column, 0)].width}")
        assert numbers[0] != 0 == numbers[1]


def waveforms(count: int, elements: int, changed: int | None = None) -> Readings:
    builder = ReadingsBuilder(count)
    for row in range(count):
        builder.add(row, DbrType.DOUBLE, np.full(elements, row + 0.5 * (row == changed)))
    return builder.build()


def test_a_changed_waveform_leaves_its_neighbours_alone() -> None:
    before = encoded(waveforms(100, 1000), list(range(100)))
    after = encoded(waveforms(100, 1000, changed=50), list(range(100)))
    changed = [key for key in before if before[key] != after[key]]
    assert [key.column for key in changed] == [Column.HEAP]
    assert len(before[changed[0]].raw) <= PART + 8000
    assert sum(key.column is Column.HEAP for key in before) == pytest.approx(800_000 / PART, abs=2)


def test_a_waveform_longer_than_a_part_is_whole_in_one_block() -> None:
    original = waveforms(3, 50_000)
    blocks = encoded(original, [0, 1, 2])
    assert [len(block.raw) for key, block in blocks.items() if key.column is Column.HEAP] == [400_000] * 3
    assert_same(back(blocks, [0, 1, 2], original), original)


@pytest.mark.parametrize("column", [column for column in Column if column is not Column.HEAP])
def test_a_missing_block_is_noticed(column: Column) -> None:
    original = everything()
    slots = list(range(len(original)))
    blocks = encoded(original, slots)
    del blocks[Key(column, 0)]
    with pytest.raises(ValueError, match=column.name):
        back(blocks, slots, original)


def test_missing_text_is_noticed() -> None:
    original = everything()
    slots = list(range(len(original)))
    blocks = {key: block for key, block in encoded(original, slots).items() if key.column is not Column.HEAP}
    with pytest.raises(ValueError, match="0 bytes instead of"):
        back(blocks, slots, original)


def test_a_block_of_another_size_is_noticed() -> None:
    original = doubles(np.ones(3))
    blocks = encoded(original, [0, 1, 2])
    blocks[Key(Column.ALARM, 0)] = Block.of(bytes(12), 2)
    with pytest.raises(ValueError, match="ALARM"):
        back(blocks, [0, 1, 2], original)
