"""A store in a file of its own, and the promise that no connection is left behind."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from snapioc.model import Origin
from snapioc.store import SqlStore


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


ANN = Origin("ann", "desk", "SR")


async def tidy_up(store: SqlStore) -> None:
    """Give back all the space of deleted snapshots."""
    while await store.tidy():
        pass


def database_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "_connection_worker_thread" in thread.name]


@pytest.fixture(autouse=True)
def no_connection_left_behind() -> Iterator[None]:
    yield
    gc.collect()  # a connection that was not closed warns when it goes, and warnings are errors
    deadline = time.monotonic() + 5
    while database_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not database_threads()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "snapshots.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    opened = SqlStore(url_of(path), busy_timeout=0.2)
    await opened.open(migrate=True)
    yield opened
    await opened.close()
