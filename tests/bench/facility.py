"""A real `snapioc run` on the targets, and the client that operates it."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.helpers.iocs import free_port
from tests.helpers.snapioc_process import SnapiocProcess

from .child import Child
from .targets import Targets

CONNECT_WITHIN = 600.0
"""Seconds in which snapioc surely serves, and then surely connects a million PVs."""

_TOML = """
[ioc]
prefix = "{prefix}"
[store]
url = "sqlite:///snapshots.db"
[channels]
connect_timeout = 30.0
read_timeout = 30.0
write_timeout = 60.0
[[set]]
name = "SET"
files = ["set.req"]
"""


class PatientProcess(SnapiocProcess):
    """Reading the list of a million PVs takes its time."""

    patience = CONNECT_WITHIN


@dataclass(frozen=True)
class Facility:
    """A running snapioc with one set, SET, of all targets."""

    ioc: SnapiocProcess
    prefix: str
    client: Child
    started_in: float
    """Seconds from the start of the process until it served and had all its PVs, which it tells once a second."""

    def trigger(self) -> float:
        """Save the set; seconds until the put-callback came."""
        return float(self.client.ask("put", self.pv("SET:TRIGGER"), 1))

    def restore(self, snapshot_id: int) -> float:
        """Restore a snapshot; seconds until the put-callback came."""
        return float(self.client.ask("put", self.pv("SET:RESTORE_ID"), snapshot_id))

    def compare(self, snapshot_id: int) -> float:
        """Compare a snapshot with the machine; seconds until the put-callback came."""
        return float(self.client.ask("put", self.pv("SET:COMPARE_ID"), snapshot_id))

    def last_id(self) -> int:
        """The snapshot that `trigger` made last."""
        return int(self.client.ask("get", self.pv("SET:LAST_ID")))

    def memory(self) -> int:
        """Bytes of RAM that the process occupies."""
        assert self.ioc.process
        return int(psutil.Process(self.ioc.process.pid).memory_info().rss)

    def pv(self, name: str) -> str:
        """A PV of this snapioc."""
        return self.prefix + name


@contextmanager
def facility(targets: Targets, folder: Path, pvs: int | None = None) -> Iterator[Facility]:
    """snapioc on the targets, or on the first `pvs` of them."""
    folder.mkdir()
    names = targets.names.read_text().splitlines()[:pvs]
    (folder / "set.req").write_text("\n".join(names) + "\n")
    prefix = f"S{secrets.token_hex(3)}:"
    begun = time.perf_counter()
    try:
        process = PatientProcess(folder, _TOML.format(prefix=prefix), free_port(), targets.addresses)
        with process as ioc, Child("client", [ioc.address]) as client:
            _wait_for_all(client, prefix + "PVS_CONNECTED", len(names))
            yield Facility(ioc, prefix, client, time.perf_counter() - begun)
    finally:
        shutil.rmtree(folder)


def _wait_for_all(client: Child, pv: str, count: int) -> None:
    deadline = time.monotonic() + CONNECT_WITHIN
    while client.ask("get", pv) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {client.ask('get', pv):.0f} of {count} PVs are connected")
        time.sleep(0.05)
