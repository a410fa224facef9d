"""snapioc on real IOCs, and clients that find both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import aioca
import pytest

from snapioc.demo import DemoMachine, prepare
from tests.helpers.iocs import SoftIoc, free_port
from tests.helpers.snapioc_process import SnapiocProcess

Start = Callable[..., SnapiocProcess]


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    """Whatever is entered here ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start_ioc(processes: ExitStack, ioc_ports: Iterator[int]) -> Callable[[str], SoftIoc]:
    """Start a C IOC that the test process itself finds."""
    return lambda database: processes.enter_context(SoftIoc(database, port=next(ioc_ports)))


@pytest.fixture
def start_snapioc(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Start:
    """Start snapioc with the prefix `pv_prefix` on sets of PVs; further keywords are lines of the configuration."""

    def start(
        sets: dict[str, list[str]],
        *machine: str,
        settings: str = "",
        store: str = "sqlite:///snapshots.db",
        folders: Sequence[str] = (),
        list_pvs: bool = False,
        **environment: str,
    ) -> SnapiocProcess:
        options = ["--list-pvs"] if list_pvs else []
        for folder in folders:
            (tmp_path / folder).mkdir()
        toml = f'[ioc]\nprefix = "{pv_prefix}"\n[store]\nurl = "{store}"\n{settings}\n'
        for name, pvs in sets.items():
            (tmp_path / f"{name}.req").write_text("\n".join(pvs) + "\n")
            toml += f'[[set]]\nname = "{name}"\nfiles = ["{name}.req"]\n'
        return processes.enter_context(SnapiocProcess(tmp_path, toml, next(ioc_ports), machine, *options, **environment))

    return start


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnapiocProcess]:
    """The demo machine with snapioc on it; its clients need the addresses of both."""
    folder = tmp_path_factory.mktemp("demo")
    toml = prepare(folder).read_text()
    with (
        DemoMachine(free_port(), folder / "machine.log") as machine,
        SnapiocProcess(folder, toml, free_port(), [f"127.0.0.1:{machine.port}"]) as ioc,
    ):
        yield ioc


@pytest.fixture
async def ca() -> AsyncIterator[None]:
    """Close the channels that the test process itself opens."""
    yield
    aioca.purge_channel_caches()
