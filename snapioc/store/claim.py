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
    path = store_file(url).path
    lock = path.with_name(f"{path.name}.lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as fault:
        _warn(fault)
        yield
        return
    try:
        await _take(handle, lock)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{who}, process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(handle)


async def _take(handle: int, lock: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                other = os.pread(handle, 500, 0).decode(errors="replace")
                raise StoreError(f"the store is in use by another snapioc ({other}); its lock is {lock}") from None
            await asyncio.sleep(0.1)
        except OSError as fault:
            _warn(fault)
            return
        else:
            return


def _warn(fault: OSError) -> None:
    _log.warning("the store cannot be claimed, see to it that no other snapioc uses it: %s", fault)
