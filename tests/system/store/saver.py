"""A program that is to be killed: saves, deletes, prunes, tidies and says so, or migrates one new file after the other."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from snapioc.model import AUTOMATIC, DbrType, Events, NewSnapshot, Origin, ReadingsBuilder
from snapioc.store import SqlStore
from tests.unit.store.material import pv_set

COUNT = 2500


def start(command: str, path: Path, *arguments: str) -> subprocess.Popen[str]:
    """Run this file in a process of its own."""
    root = Path(__file__).parents[3]
    call = [sys.executable, "-m", "tests.system.store.saver", command, str(path), *arguments]
    return subprocess.Popen(call, cwd=root, stdout=subprocess.PIPE, text=True)


def snapshot(seed: int) -> NewSnapshot:
    """A snapshot whose content follows from one number, which is its title; the set changes now and then."""
    pvs = [f"PV{i}" for i in range(seed // 10 % 7, COUNT)]
    builder = ReadingsBuilder(len(pvs))
    values = np.random.default_rng(seed).random(len(pvs))
    for row in range(len(pvs)):
        if row % 500 == 0:
            builder.add(row, DbrType.DOUBLE, values[:300] + row)
        elif row % 50 == 0:
            builder.add(row, DbrType.STRING, f"{seed} {row}".encode() * (seed % 3))
        else:
            builder.add(row, DbrType.DOUBLE, values[row], seconds=seed)
    return NewSnapshot(pv_set(pvs), builder.build(float(seed), seed + 0.5), title=str(seed), tags=(str(seed % 4), "kill"))


def events(seed: int) -> Events:
    """The events of a window snapshot, which follow from the same number."""
    whole = snapshot(seed).readings
    rows = np.random.default_rng(seed).integers(0, len(whole), 1500)
    return Events(rows, whole.select(rows))


async def save_for_ever(url: str, first: int) -> None:
    store = SqlStore(url)
    await store.open(migrate=True)
    print("open", flush=True)
    for seed in count(first):
        header = await store.save(snapshot(seed))
        print("saved", header.id, seed, flush=True)
        if seed % 3 == 2:
            print("deleting", header.id, flush=True)
            await store.delete(header.id, Origin())
            print("deleted", header.id, flush=True)
            await store.tidy()
        if seed % 4 == 3:
            await store.save(replace(snapshot(seed), kind=AUTOMATIC, tags=(), events=events(seed)))
            print("pruning", flush=True)
            await store.prune(header.set_name, keep=1)
            print("pruned", flush=True)
            await store.tidy()


async def migrate_for_ever(folder: Path) -> None:
    for number in count():
        store = SqlStore(f"sqlite:///{folder}/{number}.db")
        await store.open(migrate=True)
        print("migrated", number, flush=True)
        await store.close()


if __name__ == "__main__":
    if sys.argv[1] == "migrate":
        asyncio.run(migrate_for_ever(Path(sys.argv[2])))
    else:
        asyncio.run(save_for_ever(f"sqlite:///{sys.argv[2]}", int(sys.argv[3])))
