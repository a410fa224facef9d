"""Every test runs on loopback, with ports of its own, and leaves neither task nor process behind."""

from __future__ import annotations

import asyncio
import functools
import os
import secrets
from collections.abc import AsyncIterator, Iterator

import aioca
import psutil
import pytest

from tests.helpers.iocs import free_port

PORTS = [free_port() for _ in range(12)]
"""Ports for IOCs that the test process itself talks to: libca reads its address list once per process."""

os.environ |= {
    "EPICS_CA_AUTO_ADDR_LIST": "NO",
    "EPICS_CA_ADDR_LIST": " ".join(f"127.0.0.1:{port}" for port in PORTS),
    "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
    "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
    "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
    "EPICS_CA_CONN_TMO": "5",
}

# After a restart libca's search comes seldom, the more so on a busy machine: aioca's own 5 s are too few for a test.
for _ask in ("caget", "caput", "connect", "cainfo"):
    setattr(aioca, _ask, functools.partial(getattr(aioca, _ask), timeout=60))


@pytest.fixture
def pv_prefix() -> str:
    """A prefix that no other test has, so that a stray IOC cannot answer."""
    return f"T{secrets.token_hex(4)}:"


@pytest.fixture
def ioc_ports() -> Iterator[Iterator[int]]:
    """Ports on which the test process itself finds IOCs."""
    yield iter(PORTS)


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    """Fail a test that leaves a child process behind."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    # libca forks once to start a caRepeater, and does not wait for that child if there is no such program.
    left = [child for child in left if child.status() != psutil.STATUS_ZOMBIE]
    assert not left, f"processes left behind: {left}"


@pytest.fixture(autouse=True)
async def no_task_left(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Fail a test that leaves an unfinished task behind."""
    before = asyncio.all_tasks()
    yield
    left = [task for task in asyncio.all_tasks() - before if not task.done() and task is not asyncio.current_task()]
    assert not left, f"tasks left behind: {left}"
