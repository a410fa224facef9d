"""Metadata of channels in the database: each distinct content once, under an id that the blocks of all snapshots use."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from snapioc.model import Metadata

from .batches import batches, insert_all
from .database import Database
from .tables import channel_metadata


async def register(database: Database, set_name: str, metadatas: tuple[Metadata, ...]) -> NDArray[np.int64]:
    """The id of each, inserting those that are not there yet.

    Quick if they are the very objects of the set's last snapshot: tuples of the same objects compare without a look inside.
    """
    memory = database.memory
    last = memory.last_metadatas.get(set_name)
    if last and last[0] == metadatas:
        return last[1]
    texts = await asyncio.to_thread(_texts, metadatas)
    distinct = {digest: text for digest, text in texts if digest not in memory.metadata_ids}
    async with database.read() as connection:
        memory.metadata_ids |= await _ids(connection, list(distinct))
    new = {digest: text for digest, text in distinct.items() if digest not in memory.metadata_ids}
    if new:
        memory.metadata_ids |= await _add(database, new)
    ids = np.array([memory.metadata_ids[digest] for digest, _ in texts], np.int64)
    memory.last_metadatas[set_name] = (metadatas, ids)
    return ids


async def load(database: Database, ids: Iterable[int]) -> dict[int, Metadata]:
    """The metadata with these ids. Raises ValueError if one is missing or damaged."""
    memory = database.memory
    wanted = sorted({i for i in ids if i})
    unknown = [i for i in wanted if i not in memory.metadatas]
    contents: dict[int, str] = {}
    async with database.read() as connection:
        for batch in batches(unknown):
            rows = await connection.execute(select(channel_metadata).where(channel_metadata.c.id.in_(batch)))
            contents |= {row.id: row.content for row in rows}
    lost = set(unknown) - set(contents)
    if lost:
        raise ValueError(f"the metadata {min(lost)} is missing")
    memory.metadatas |= await asyncio.to_thread(_from_texts, contents)
    return {i: memory.metadatas[i] for i in wanted}


async def _add(database: Database, texts: Mapping[bytes, str]) -> dict[bytes, int]:
    async with database.write() as connection:
        present = await _ids(connection, list(texts))
        rows = [{"digest": digest, "content": text} for digest, text in texts.items() if digest not in present]
        await insert_all(connection, channel_metadata, rows)
        return await _ids(connection, list(texts))


async def _ids(connection: AsyncConnection, digests: Sequence[bytes]) -> dict[bytes, int]:
    columns = channel_metadata.c
    found: dict[bytes, int] = {}
    for batch in batches(digests):
        rows = await connection.execute(select(columns.digest, columns.id).where(columns.digest.in_(batch)))
        found |= {row.digest: row.id for row in rows}
    return found


def _texts(metadatas: Iterable[Metadata]) -> list[tuple[bytes, str]]:
    texts = (json.dumps(asdict(metadata), sort_keys=True, separators=(",", ":")) for metadata in metadatas)
    return [(hashlib.sha256(text.encode()).digest(), text) for text in texts]


def _from_texts(contents: Mapping[int, str]) -> dict[int, Metadata]:
    return {i: _from_text(text) for i, text in contents.items()}


def _from_text(text: str) -> Metadata:
    known = json.loads(text)
    return Metadata(**known | {"labels": tuple(known["labels"]), "limits": tuple(known["limits"])})
