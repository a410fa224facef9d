"""CaChannels with each engine, in the test's own process, and IOCs that they find."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from snapioc.channels import CaChannels, Engine
from snapioc.channels.aioca_engine import AiocaEngine
from snapioc.channels.bulk import BulkEngine
from tests.helpers.iocs import SoftIoc, ioc_environment
from tests.helpers.probe import answers

ENGINES: dict[str, Callable[[], Engine]] = {"aioca": AiocaEngine, "bulk": BulkEngine}
"""Every engine has to pass every test here."""

CONNECT = 60.0
"""Seconds in which a PV of a running IOC is surely connected; no test waits for so long unless it fails."""

TIMEOUT = 10.0
"""Seconds of silence in which a running IOC surely answers; no test waits for so long unless it fails."""


@pytest.fixture(params=ENGINES)
async def channels(request: pytest.FixtureRequest) -> AsyncIterator[CaChannels]:
    """A started CA client; the test fails if it does not end cleanly."""
    channels = CaChannels(ENGINES[request.param]())
    channels.start()
    yield channels
    assert await channels.close(30)


StartIoc = Callable[..., SoftIoc]


@pytest.fixture
def start_ioc(ioc_ports: Iterator[int]) -> Iterator[StartIoc]:
    """Starts IOCs that the test process finds, and ends them."""
    with ExitStack() as stack:
        yield lambda database, **more: stack.enter_context(SoftIoc(database, port=next(ioc_ports), **more))


@contextmanager
def caproto_server(program: str, port: int, pv: str, *arguments: str) -> Iterator[None]:
    """One of the servers that lie beside this file, answering for `pv`."""
    command = [sys.executable, str(Path(__file__).with_name(program)), pv, *arguments]
    environment = ioc_environment(port) | {"EPICS_CAS_BEACON_PORT": str(port)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while not answers(pv, port):
                assert process.poll() is None
            yield
        finally:
            process.kill()
