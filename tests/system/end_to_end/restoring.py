"""A restore from three sides: what snapioc shows, what its record says, and the machine as another client reads it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aioca

from tests.helpers.clients import Pyepics
from tests.helpers.iocs import SoftIoc
from tests.helpers.snapioc_process import SnapiocProcess

from .test_commands import put, text

GOOD = ("RESTORED", "UNCHECKED", "UNCHANGED")
AS_BEFORE = ("CANNOT", "LEFT_OUT", "NOT_WRITTEN", "REJECTED", "UNCHANGED")
"""Verdicts of PVs that hold what they held before."""

COUNTS = ("N_TOTAL", "N_DONE", "N_FAILED", "N_SKIPPED", "N_UNCHANGED")


@dataclass
class Site:
    """Starts the machine and snapioc of one test. The records' names begin with `machine`."""

    processes: ExitStack
    ports: Iterator[int]
    folder: Path
    prefix: str

    @property
    def machine(self) -> str:
        """The prefix of the records, `$(P)` in a database."""
        return f"M:{self.prefix}"

    def ioc(self, database: str, acf: str = "") -> SoftIoc:
        """A C IOC that this process finds as well."""
        macros = f"P={self.machine}"
        security = acf.replace("$(P)", self.machine)
        return self.processes.enter_context(SoftIoc(database, macros, next(self.ports), acf=security))

    def snapioc(
        self, rows: Sequence[str], *iocs: SoftIoc, columns: str = "pv", settings: str = "", of_set: str = ""
    ) -> Desk:
        """snapioc with a set A; each row begins with the name of a record without its prefix."""
        table = "\n".join([columns, *(self.machine + row for row in rows)])
        (self.folder / "A.csv").write_text(table + "\n")
        toml = f'[ioc]\nprefix = "{self.prefix}"\n[store]\nurl = "sqlite:///snapshots.db"\n{settings}\n'
        toml += f'[[set]]\nname = "A"\nfiles = ["A.csv"]\n{of_set}\n'
        addresses = [ioc.address for ioc in iocs]
        process = self.processes.enter_context(SnapiocProcess(self.folder, toml, next(self.ports), addresses))
        client = self.processes.enter_context(Pyepics(addresses))
        return Desk(self, process, client, [row.split(",")[0] for row in rows])


@dataclass
class Desk:
    """Operates the group A; `client` is pyepics on the machine. PVs of the machine go without their prefix."""

    site: Site
    process: SnapiocProcess
    client: Pyepics
    pvs: list[str]

    async def put(self, name: str, value: Any) -> int:
        """Put to a PV of the group; returns its CA status (1: ECA_NORMAL)."""
        return await put(f"{self.site.prefix}A:{name}", value)

    async def get(self, name: str) -> Any:
        """A PV of the group."""
        return await aioca.caget(f"{self.site.prefix}A:{name}")

    async def text(self, name: str) -> str:
        """A text of the group, whole."""
        return await text(f"{self.site.prefix}A:{name}")

    async def set(self, **values: Any) -> None:
        """Put to records of the machine; `X__DRVH` is the field DRVH of X."""
        for name, value in values.items():
            await aioca.caput(self.site.machine + name.replace("__", "."), value, wait=True, timeout=20)

    async def save(self) -> int:
        """Save; returns the id."""
        assert await self.put("TRIGGER", 1) == 1, await self.text("MESSAGE")
        return int(await self.get("LAST_ID"))

    def machine(self, pvs: Sequence[str] = ()) -> dict[str, Any]:
        """What pyepics reads of the given PVs, or of all."""
        return {pv: self.client.get(self.site.machine + pv) for pv in pvs or self.pvs}

    async def result(self) -> str:
        """RESULT in words."""
        return str(await aioca.caget(f"{self.site.prefix}A:RESULT", datatype=aioca.DBR_STRING))

    async def failures(self) -> dict[str, str]:
        """The lines of FAILURES by PV."""
        lines = (await self.text("FAILURES")).splitlines()
        return {pv.removeprefix(self.site.machine): why for pv, why in (line.split("\t", 1) for line in lines)}

    async def until_connected(self, missing: int = 0) -> None:
        """Wait until snapioc has all PVs but so many."""
        await until(lambda: self._missing(missing))

    async def _missing(self, count: int) -> bool:
        return bool(await aioca.caget(f"{self.site.prefix}PVS_DISCONNECTED") == count)

    async def json(self, *command: str) -> Any:
        """What a command of the shell prints with --json."""
        line = [sys.executable, "-m", "snapioc", *command, "--json", "--config", str(self.process.config)]
        done = await asyncio.to_thread(subprocess.run, line, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    async def record(self) -> dict[str, Any]:
        """The newest restore record with `outcomes` as (verdict, text) by PV."""
        known: dict[str, Any] = await self.json("restore-log", str(self.newest_restore()))
        known["outcomes"] = {
            one["pv"].removeprefix(self.site.machine): (one["verdict"], one["text"]) for one in known["outcomes"]
        }
        return known

    def newest_restore(self) -> int:
        """The id of the newest restore record."""
        with closing(sqlite3.connect(self.process.folder / "snapshots.db")) as database:
            return int(database.execute("SELECT coalesce(max(id), 0) FROM restore").fetchone()[0])

    async def check(self, status: int, before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Assert that PVs, record and machine agree on the restore that has just ended; returns the record.

        `before` and `wanted` are what pyepics read before the restore, and is to read of the PVs that were restored. PVs
        that cannot be read any more are in none of them.
        """
        record = await self.record()
        outcomes, result = record["outcomes"], await self.result()
        assert (status == 1) == (result == "Success")
        assert record["result"] == result.lower()
        assert record["message"] == await self.text("MESSAGE")
        shown = [int(await self.get(name)) for name in COUNTS]
        assert shown == counts(outcomes), (shown, counts(outcomes))
        assert await self.failures() == expected_failures(outcomes)
        now = self.machine([pv for pv in outcomes if pv in before])
        for pv, (verdict, why) in outcomes.items():
            if pv in now:
                check_verdict(pv, verdict, why, before[pv], wanted.get(pv), now[pv])
        return record


def counts(outcomes: Mapping[str, tuple[str, str]]) -> list[int]:
    """What COUNTS have to show."""
    verdicts = Counter(verdict for verdict, _ in outcomes.values())
    done, skipped, unchanged = sum(verdicts[good] for good in GOOD), verdicts["LEFT_OUT"], verdicts["UNCHANGED"]
    return [len(outcomes), done, len(_failed(outcomes)), skipped, unchanged]


def expected_failures(outcomes: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """What FAILURES has to show."""
    left_out = {pv: f"left out: {why}" for pv, (verdict, why) in outcomes.items() if verdict == "LEFT_OUT"}
    return _failed(outcomes) | left_out


def _failed(outcomes: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    # What was not written because a restore had ended has failed only if the record says more of it.
    good = (*GOOD, "LEFT_OUT")
    return {pv: why for pv, (verdict, why) in outcomes.items() if verdict not in good and (why or verdict != "NOT_WRITTEN")}


def check_verdict(pv: str, verdict: str, why: str, before: Any, wanted: Any, now: Any) -> None:
    """Assert that a verdict is true of what is read of the PV now."""
    if verdict in GOOD:
        assert now == wanted, (pv, verdict)
    if verdict in AS_BEFORE:
        assert now == before, (pv, verdict)
    if verdict in ("CLAMPED", "DIFFERENT", "REJECTED"):
        assert now != wanted, (pv, verdict)
        assert f"reads {now} instead of {wanted}" in why, (pv, why)


async def until(check: Callable[[], Any], patience: float = 40.0) -> None:
    """Wait until an awaitable check is true."""
    end = time.monotonic() + patience
    while not await check():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.05)
