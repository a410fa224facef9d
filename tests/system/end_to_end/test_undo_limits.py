"""UNDO of values that only a display would call out of range, and of a text that was empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aioca
import pytest

from .restoring import Desk, Site

pytestmark = pytest.mark.usefixtures("ca")


@pytest.fixture
def site(processes: ExitStack, ioc_ports: Iterator[int], tmp_path: Path, pv_prefix: str) -> Site:
    return Site(processes, ioc_ports, tmp_path, pv_prefix)


LIMITS = """
record(longout, "$(P)LO") { field(VAL, "5") field(HOPR, "10") field(PINI, "YES") }
record(dfanout, "$(P)DF") { field(VAL, "5") field(HOPR, "10") field(PINI, "YES") }
record(calc, "$(P)CA") { field(A, "5") field(HOPR, "10") field(PINI, "YES") }
record(ao, "$(P)AO") { field(VAL, "5") field(DRVH, "100") field(PINI, "YES") }
record(ao, "$(P)HI") { field(HIHI, "5") field(DRVH, "10") field(PINI, "YES") }
record(lso, "$(P)L") { field(SIZV, "200") }
"""


async def put_text(desk: Desk, record: str, text: bytes) -> None:
    await aioca.caput(f"{desk.site.machine}{record}.VAL$", list(text), datatype=aioca.DBR_CHAR, wait=True, timeout=20)


async def test_undo_takes_back_what_only_a_display_would_call_out_of_range(site: Site) -> None:
    rows = ["LO,", "DF,", "CA.A,", "AO,", "HI.HIHI,", "L.VAL$,write"]
    desk = site.snapioc(rows, site.ioc(LIMITS), columns="pv,invalid")
    await desk.save()
    await desk.set(LO=50, DF=50.0, CA__A=50.0, AO=50.0, HI__HIHI=50.0)
    await put_text(desk, "L", b"moved")
    before = desk.machine()

    # An lso that was written once is never without its NUL again.
    assert await desk.put("RESTORE_ID", 1001) == 1, await desk.text("MESSAGE")
    assert await desk.put("COMPARE_ID", 1001) == 1
    assert (await desk.get("N_DIFFERENT"), await desk.get("N_EQUAL")) == (0, 6)

    await desk.set(AO__DRVH=10.0)
    assert await desk.put("UNDO", 1) != 1
    assert await desk.failures() == {"AO": "50 is beyond the control limits 0 to 10"}
    await desk.set(AO__DRVH=100.0)
    assert await desk.put("UNDO", 1) == 1, await desk.text("MESSAGE")
    assert desk.machine() == before
