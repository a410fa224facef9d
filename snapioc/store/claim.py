"""The claim on a store: two IOCs on one would take each other's restores for interrupted ones, and end their records.

Decided: a lock of the operating system (flock) on a file beside the store, which ends with the process however that ends.
SQLite's own locks last for a transaction only, and those who only read the store need no claim. Where the file system has
no such locks, the IOC serves without one.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from snapioc.model import StoreError

from .opening import store_file

PATIENCE = 5.0
"""Seconds that an IOC which is just ending is waited for."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def claimed(url: str, who: str) -> AsyncIterator[None]:
    """Be the only IOC on a store for the time of the block. Raises StoreError, naming the other one, if there is one."""
    # Whatever name it goes by: through a symbolic link it is the same store.
    path = store_file(url).path.resolve()
    lock = path.with_name(f"{path.name}.lock")
    try:
        handle = await _taken(lock)
    except OSError as fault:
        _log.warning("the store cannot be claimed, see to it that no other snapioc uses it: %s", fault)
        yield
        return
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{who}, process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(handle)


async def _taken(lock: Path) -> int:
    """The locked file. Raises OSError where there are no such locks, StoreError if another one has it for too long."""
    until = time.monotonic() + PATIENCE
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(lock, handle):  # and not removed since it was opened
                return handle
        except BlockingIOError:
            if time.monotonic() >= until:
                other = os.pread(handle, 500, 0).decode(errors="replace")
                os.close(handle)
                raise StoreError(f"the store is in use by another snapioc ({other}); its lock is {lock}") from None
        except OSError:
            os.close(handle)
            raise
        os.close(handle)
        await asyncio.sleep(0.1)


def _is_at(lock: Path, handle: int) -> bool:
    return lock.exists() and lock.stat().st_ino == os.fstat(handle).st_ino
