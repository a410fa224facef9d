"""Blocks: bytes that are kept once per distinct content, packed with zstd after a byte shuffle where that helps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import zstandard

LEVEL = 3
"""zstd's own default; higher levels win a few per cent on values that are noise anyway, at several times the cost."""

Packed: TypeAlias = tuple[bytes, int]
"""A block as it is stored: compressed bytes, and the width of the numbers in it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Content to keep, and the width in bytes of the numbers in it (1: bytes or text)."""

    raw: bytes
    width: int
    digest: bytes

    @classmethod
    def of(cls, raw: bytes, width: int) -> Block:
        """The block of this content. The digest is of the content itself, so that it outlives a change of packing."""
        return cls(raw, width, hashlib.sha256(raw).digest())


def pack_all(blocks: Iterable[Block]) -> dict[bytes, bytes]:
    """Digest to packed bytes of each block."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    return {block.digest: compressor.compress(_shuffled(block.raw, block.width)) for block in blocks}


def unpack(packed: Packed) -> bytes:
    """The content of a packed block. Raises ValueError where the bytes are damaged; zstd's checksum tells."""
    return unpack_all({0: packed})[0]


def unpack_all(packed: Mapping[int, Packed]) -> dict[int, bytes]:
    """The content of each block by its id. Raises ValueError where one is damaged."""
    decompressor = zstandard.ZstdDecompressor()
    return {block_id: _unpacked(decompressor, *each) for block_id, each in packed.items()}


def _unpacked(decompressor: zstandard.ZstdDecompressor, data: bytes, width: int) -> bytes:
    try:
        content = decompressor.decompress(data)
    except zstandard.ZstdError as fault:
        raise ValueError(f"a block cannot be unpacked: {fault}") from fault
    if width < 1 or len(content) % width:
        raise ValueError(f"a block of {len(content)} bytes cannot hold numbers of {width} bytes")
    return _unshuffled(content, width)


def _shuffled(raw: bytes, width: int) -> bytes:
    """The first bytes of all numbers, then the second bytes, and so on: equal exponents and high bytes come together."""
    return raw if width == 1 else np.frombuffer(raw, np.uint8).reshape(-1, width).T.tobytes()


def _unshuffled(content: bytes, width: int) -> bytes:
    return content if width == 1 else np.frombuffer(content, np.uint8).reshape(width, -1).T.tobytes()
