"""The store by itself: what snapshots add to the file, how long a save takes, and how long history and lists take."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snapioc.model import Member, NewSnapshot, PvSet, Readings
from snapioc.store import SqlStore

from .results import Results
from .synthetic import Machine, members

STORE = "snapioc store"
VERSIONS = 10
PAGE = 50
"""Snapshots on a page of a list."""


@dataclass(frozen=True)
class StoreEffort:
    """How much is stored before something is measured."""

    pvs: int = 40_000
    grown_by: int = 100
    history: int = 1_000
    listed: int = 10_000
    repeat: int = 9


async def measure_store(results: Results, effort: StoreEffort, folder: Path) -> None:
    """Sizes, then history, then lists, each in a store of its own."""
    async with _store(folder / "growth.db") as (store, path):
        await _growth(results, effort, store, path)
    async with _store(folder / "history.db") as (store, path):
        await _history(results, effort, store, path)
    async with _store(folder / "list.db") as (store, _):
        await _list(results, effort, store)


async def _growth(results: Results, effort: StoreEffort, store: SqlStore, path: Path) -> None:
    machine, pv_set = Machine(effort.pvs), members(effort.pvs)

    async def grow(what: str, count: int, read: Callable[[], Readings], shared_by: int = 1) -> None:
        before = _file_size(path)
        for _ in range(count):
            snapshot = NewSnapshot(pv_set, read())
            begun = time.perf_counter()
            await store.save(snapshot)
            results.add(f"save, {what}", STORE, effort.pvs, time.perf_counter() - begun)
        results.add(f"bytes, {what}", STORE, effort.pvs, (_file_size(path) - before) / count / shared_by)

    await grow("the first", 1, lambda: machine.readings)
    await grow("unchanged", effort.grown_by, lambda: machine.readings)
    await grow("1 % changed", effort.grown_by, lambda: machine.move(machine.some(0.01)))
    noise = len(machine.scalars)
    await grow("all random, per scalar PV", effort.grown_by, lambda: machine.move(machine.scalars), noise)


async def _history(results: Results, effort: StoreEffort, store: SqlStore, path: Path) -> None:
    """Every version has one PV more than the one before, at its top; in each snapshot 1 % of the scalars has moved."""
    machine, pv_set = Machine(effort.pvs), members(effort.pvs)
    each = effort.history // VERSIONS
    for version in range(VERSIONS):
        added = tuple(Member(f"B:ADDED:{number}") for number in range(version))
        grown = PvSet("SET", added + pv_set.members)
        rows = np.concatenate([np.zeros(version, np.intp), np.arange(effort.pvs)])
        for _ in range(each):
            await store.save(NewSnapshot(grown, machine.move(machine.some(0.01)).select(rows)))
    results.add("bytes, the store of the history", STORE, effort.pvs, _file_size(path))
    await _ask_history(results, effort, path, pv_set)


async def _ask_history(results: Results, effort: StoreEffort, path: Path, pv_set: PvSet) -> None:
    for turn in range(effort.repeat):
        pv = pv_set.members[turn * len(pv_set.members) // effort.repeat].pv
        async with _opened(path) as store:
            for what in ("store just opened", "again"):
                begun = time.perf_counter()
                found = await store.history(pv, effort.history)
                results.add(f"history of one PV, {what}", STORE, effort.pvs, time.perf_counter() - begun)
    if len(found) != effort.history // VERSIONS * VERSIONS:
        raise RuntimeError(f"the history has {len(found)} snapshots")


async def _list(results: Results, effort: StoreEffort, store: SqlStore) -> None:
    machine, pv_set = Machine(100), members(100)
    for number in range(effort.listed):
        await store.save(NewSnapshot(pv_set, machine.readings, title=f"snapshot {number}", tags=("bench",)))
    for _ in range(effort.repeat):
        begun = time.perf_counter()
        found = await store.headers(limit=PAGE)
        results.add("newest page of the list", STORE, effort.listed, time.perf_counter() - begun)
    if len(found) != min(PAGE, effort.listed):
        raise RuntimeError(f"the page has {len(found)} snapshots")


@asynccontextmanager
async def _store(path: Path) -> AsyncIterator[tuple[SqlStore, Path]]:
    """A new store, removed at the end."""
    async with _opened(path) as store:
        yield store, path
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[SqlStore]:
    store = SqlStore(f"sqlite:///{path}")
    await store.open(migrate=True)
    try:
        yield store
    finally:
        await store.close()


def _file_size(path: Path) -> int:
    """Bytes of the file with the whole log written back into it."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size
