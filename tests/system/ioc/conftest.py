"""A small IOC of every kind of PV, shared by the tests of a file; clients come and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.raw_client import RawClient
from tests.helpers.server import ServerProcess


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as process:
        yield process


@pytest.fixture
def client(server: ServerProcess) -> Iterator[RawClient]:
    with RawClient(server.port) as client:
        yield client
