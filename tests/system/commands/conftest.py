"""A configuration with a store that holds three snapshots: two of one set, one of another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from snapioc.model import (
    BEFORE_RESTORE,
    DbrType,
    Member,
    Metadata,
    NewSnapshot,
    Origin,
    PvSet,
    Readings,
    ReadingsBuilder,
    Reason,
)
from snapioc.store import SqlStore

MAGNETS = PvSet("MAGNETS", (Member("SR:QF1", abs_tol=0.01), Member("SR:NOTE"), Member("SR:DEAD"), Member("SR:MODE")))
RF = PvSet("RF", (Member("RF:AMP"),))


@dataclass(frozen=True)
class Facility:
    """A folder with snapioc.toml, a file per set, and the store."""

    config: Path
    store: Path

    def arguments(self, *argv: str) -> list[str]:
        return [*argv, "--config", str(self.config)]


def magnets(current: float, mode: int) -> Readings:
    builder = ReadingsBuilder(4, Reason.NEVER_CONNECTED)
    builder.add(0, DbrType.DOUBLE, current, seconds=1, severity=3, metadata=Metadata(units="A", precision=2))
    builder.add(1, DbrType.STRING, b"not \xe9t\xe9 as UTF-8 [bold] \x1b[2J" + b"x" * 60)
    builder.add(3, DbrType.ENUM, mode, metadata=Metadata(labels=("Off", "On")))
    return builder.build()


def rf() -> Readings:
    builder = ReadingsBuilder(1)
    builder.add(0, DbrType.DOUBLE, 1.0)
    return builder.build()


async def fill(url: str, snapshots: Sequence[NewSnapshot]) -> None:
    store = SqlStore(url)
    await store.open(migrate=True)
    for snapshot in snapshots:
        await store.save(snapshot)
    await store.close()


@pytest.fixture
def facility(tmp_path: Path) -> Facility:
    for pv_set in (MAGNETS, RF):
        (tmp_path / f"{pv_set.name}.req").write_text("".join(f"{pv}\n" for pv in pv_set.pvs))
    sets = "".join(f'[[set]]\nname = "{name}"\nfiles = ["{name}.req"]\n' for name in ("MAGNETS", "RF"))
    config = tmp_path / "snapioc.toml"
    config.write_text(f'[store]\nurl = "sqlite:///snapshots.db"\n[channels]\nconnect_timeout = 1.0\n{sets}')
    return Facility(config, tmp_path / "snapshots.db")


@pytest.fixture
def filled(facility: Facility) -> Facility:
    origin = Origin("ann", "desk")
    first = NewSnapshot(MAGNETS, magnets(1.0, 1), title="golden\nshot", tags=("golden", "user"), origin=origin)
    undo = NewSnapshot(MAGNETS, magnets(1.005, 0), kind=BEFORE_RESTORE, restores=1001, origin=origin)
    asyncio.run(fill(f"sqlite:///{facility.store}", [first, undo, NewSnapshot(RF, rf())]))
    return facility
