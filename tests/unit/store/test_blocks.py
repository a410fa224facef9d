import numpy as np
import pytest

from snapioc.store.blocks import Block, pack_all, unpack


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_content_comes_back(width: int) -> None:
    raw = np.random.default_rng(width).bytes(8192)
    block = Block.of(raw, width)
    assert unpack((pack_all([block])[block.digest], width)) == raw


def test_the_digest_is_of_the_content_alone() -> None:
    assert Block.of(b"12345678", 8).digest == Block.of(b"12345678", 1).digest != Block.of(b"12345679", 1).digest


def test_the_shuffle_makes_neighbouring_values_small() -> None:
    raw = (400 + np.random.default_rng(0).random(1024)).astype("<f4").tobytes()
    plain, shuffled = Block.of(raw, 1), Block.of(raw, 4)
    assert len(pack_all([shuffled])[shuffled.digest]) < 0.9 * len(pack_all([plain])[plain.digest])


def test_every_damaged_byte_is_noticed() -> None:
    block = Block.of(np.arange(1024, dtype="<u4").tobytes(), 4)
    packed = pack_all([block])[block.digest]
    for position in range(len(packed)):
        damaged = bytearray(packed)
        damaged[position] ^= 0x10
        try:
            assert unpack((bytes(damaged), 4)) == block.raw
        except ValueError as fault:
            assert "block" in str(fault)


@pytest.mark.parametrize("cut", [0, 1, 20])
def test_a_truncated_block_is_refused(cut: int) -> None:
    block = Block.of(np.arange(1024, dtype="<u4").tobytes(), 4)
    with pytest.raises(ValueError, match="cannot be unpacked"):
        unpack((pack_all([block])[block.digest][:cut], 4))


@pytest.mark.parametrize("width", [0, 3])
def test_an_impossible_width_is_refused(width: int) -> None:
    block = Block.of(bytes(8), 1)
    with pytest.raises(ValueError, match="cannot hold numbers"):
        unpack((pack_all([block])[block.digest], width))
