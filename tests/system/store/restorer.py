"""A program that is to be killed: begins and ends restores and says so."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np

from snapioc.model import NewRestore, NewSnapshot, Outcomes, RestoreEnd
from snapioc.store import SqlStore
from tests.unit.store.material import doubles, numbered, random_bits

PVS = numbered(1500)


def start(path: Path, first: int, *, pause: float = 0.0) -> subprocess.Popen[str]:
    """Run this file in a process of its own; `pause` in seconds is what the writing of each restore takes."""
    root = Path(__file__).parents[3]
    call = [sys.executable, "-m", "tests.system.store.restorer", str(path), str(first), str(pause)]
    return subprocess.Popen(call, cwd=root, stdout=subprocess.PIPE, text=True)


def values(seed: int) -> NewSnapshot:
    """A snapshot whose content follows from one number, which is its title."""
    return NewSnapshot(PVS, doubles(random_bits(len(PVS.pvs), seed), seed=seed), title=str(seed))


def outcomes(seed: int) -> Outcomes:
    """Outcomes that follow from one number."""
    rows = np.flatnonzero(np.random.default_rng(seed).random(len(PVS.pvs)) < 0.5).astype(np.int32)
    return Outcomes(rows, (rows % 15).astype(np.uint8), {int(row): f"{seed} {row}" for row in rows[::7]})


async def restore_for_ever(url: str, first: int, pause: float) -> None:
    store = SqlStore(url)
    await store.open(migrate=True)
    saved = await store.save(values(first))
    print("open", flush=True)
    for seed in count(first + 1):
        begun = await store.begin_restore(NewRestore(saved.id, "SR", filter=str(seed)), PVS, values(seed))
        print("begun", begun.id, seed, flush=True)
        await asyncio.sleep(pause)
        left = values(seed + 1_000_000) if seed % 2 else None
        await store.end_restore(begun.id, RestoreEnd("success", str(seed), 1, outcomes(seed)), left)
        print("ended", begun.id, seed, flush=True)


if __name__ == "__main__":
    asyncio.run(restore_for_ever(f"sqlite:///{sys.argv[1]}", int(sys.argv[2]), float(sys.argv[3])))
