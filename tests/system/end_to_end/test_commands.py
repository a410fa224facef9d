"""What clients see of commands: completion, refusal, locks, hung and missing PVs. Against real IOCs, through libca."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import aioca
import pytest

from tests.helpers.iocs import SoftIoc

from .conftest import Start

PUTFAIL = 160

pytestmark = pytest.mark.usefixtures("ca")


def database(prefix: str, count: int) -> str:
    return "".join(f'record(ao, "{prefix}{i}") {{ field(VAL, "{i}") field(PINI, "YES") }}\n' for i in range(count))


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{i}" for i in range(count)]


async def put(name: str, value: Any) -> int:
    """A put with callback; returns its CA status (1: ECA_NORMAL)."""
    # A float goes as DBR_DOUBLE, as a client sends it that does not know better, and not as what the PV is.
    datatype = float if isinstance(value, float) else None
    answer = await aioca.caput(name, value, datatype=datatype, wait=True, timeout=90, throw=False)
    return 1 if answer.ok else int(answer.errorcode)


async def text(name: str) -> str:
    return str(await aioca.caget(f"{name}.VAL$"))


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so; a minute at most."""
    for _ in range(600):
        if await check():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it never came to be")


async def test_a_hung_ioc_and_missing_names_are_partial_and_named(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    live, hung = start_ioc(database("LIVE:" + pv_prefix, 90)), start_ioc(database("HUNG:" + pv_prefix, 5))
    alive, silent = names("LIVE:" + pv_prefix, 90), names("HUNG:" + pv_prefix, 5)
    never = names("NEVER:" + pv_prefix, 5)
    sets = {"ALL": alive + silent + never, "LIVE": alive[:45]}
    start_snapioc(sets, live.address, hung.address, settings="[channels]\nread_timeout = 0.5\nconnect_timeout = 1.0")
    hung.stop()
    seen = set()

    async def trigger(name: str, ended: list[str]) -> int:
        status = await put(f"{pv_prefix}{name}:TRIGGER", 1)
        ended.append(name)
        return status

    for number in range(60):
        ended: list[str] = []
        assert await asyncio.gather(*(trigger(name, ended) for name in ("ALL", "LIVE"))) == [1, 1]
        assert await aioca.caget(f"{pv_prefix}LIVE:RESULT") == 1
        assert await aioca.caget(f"{pv_prefix}ALL:RESULT") == 2
        failures = dict(line.split("\t") for line in (await text(f"{pv_prefix}ALL:FAILURES")).splitlines())
        assert set(failures) == {*silent, *never}
        assert {failures[pv] for pv in never} == {"never connected"}
        why = {failures[pv] for pv in silent}
        if number == 0:  # the next ones do not wait for an IOC that says nothing
            # The other group shares PVs with the one that waited, and was not held up by it.
            assert ended == ["LIVE", "ALL"]
        seen |= why
    assert seen <= {"no answer in time", "IOC hung", "disconnected"}
    assert "no answer in time" in seen
    hung.cont()
    await until(lambda: _is(f"{pv_prefix}PVS_DISCONNECTED", 5))

    async def all_answer() -> bool:
        assert await put(f"{pv_prefix}ALL:TRIGGER", 1) == 1
        return await _is(f"{pv_prefix}ALL:N_DONE", 95)

    await until(all_answer)


async def _is(name: str, value: Any) -> bool:
    return bool(await aioca.caget(name) == value)


async def test_two_triggers_at_once_one_saves_and_one_is_refused(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 10))
    machine_names = names("M:" + pv_prefix, 10)
    start_snapioc({"A": machine_names}, machine.address, settings="[channels]\nread_timeout = 1.0")
    machine.stop()  # so that the first save takes its time
    answers = await asyncio.gather(put(f"{pv_prefix}A:TRIGGER", 1), put(f"{pv_prefix}A:TRIGGER", 1))
    assert PUTFAIL in answers
    assert await aioca.caget(f"{pv_prefix}A:REFUSED") == 1
    assert "busy" in await text(f"{pv_prefix}A:REFUSED_WHY")
    assert await aioca.caget(f"{pv_prefix}A:OPS") == 1
    machine.cont()


async def test_no_save_during_the_restore_of_a_shared_pv(
    processes: ExitStack, start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 10))
    pvs = names("M:" + pv_prefix, 10)
    start_snapioc(
        {"A": pvs[:6], "B": pvs[5:]}, machine.address, settings="[channels]\nwrite_timeout = 2.0\nread_timeout = 2.0"
    )
    assert await put(f"{pv_prefix}A:TRIGGER", 1) == 1
    snapshot_id = await aioca.caget(f"{pv_prefix}A:LAST_ID")
    machine.stop()  # so that the restore takes its time
    restore = asyncio.create_task(put(f"{pv_prefix}A:RESTORE_ID", snapshot_id))
    await until(lambda: _busy(f"{pv_prefix}A:STATUS"))
    assert await put(f"{pv_prefix}B:TRIGGER", 1) == PUTFAIL
    why = await text(f"{pv_prefix}B:REFUSED_WHY")
    assert f"the restore of {snapshot_id} by A" in why
    assert pvs[5] in why
    assert f"the restore of {snapshot_id}" in await text(f"{pv_prefix}RESTORING")
    machine.cont()
    await restore
    assert await put(f"{pv_prefix}B:TRIGGER", 1) == 1
    assert await text(f"{pv_prefix}RESTORING") == ""


async def _busy(name: str) -> bool:
    return bool(await aioca.caget(name) != 0)


async def test_abort_of_a_waiting_save_completes_and_stores_nothing(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 10))
    start_snapioc({"A": names("M:" + pv_prefix, 10)}, machine.address, settings="[channels]\nread_timeout = 30.0")
    machine.stop()
    save = asyncio.create_task(put(f"{pv_prefix}TRIGGER", 1))
    await until(lambda: _busy(f"{pv_prefix}STATUS"))
    assert await put(f"{pv_prefix}ABORT", 1) == 1
    assert await save == PUTFAIL
    assert await aioca.caget(f"{pv_prefix}RESULT") == 4
    assert await aioca.caget(f"{pv_prefix}LAST_ID") == 0
    machine.cont()


async def test_commands_take_what_screens_send(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 3))
    start_snapioc({"A": names("M:" + pv_prefix, 3)}, machine.address)
    for value in (0, "0", "Idle", 0.0):
        assert await put(f"{pv_prefix}TRIGGER", value) == 1
    assert await aioca.caget(f"{pv_prefix}OPS") == 0
    for value in (1, "1", "Save", 1.0):
        assert await put(f"{pv_prefix}TRIGGER", value) == 1
    assert await aioca.caget(f"{pv_prefix}OPS") == 4
    for value in (2, "Restore", "", float("nan")):
        assert await put(f"{pv_prefix}TRIGGER", value) != 1
    for value in ("", "1001.5", 1001.5, "4294967308", 2**40 * 1.0, -1, "x", 9999, float("inf")):
        assert await put(f"{pv_prefix}RESTORE_ID", value) == PUTFAIL, value
    assert await aioca.caget(f"{pv_prefix}RESTORE_ID") == 0
    assert await put(f"{pv_prefix}SET", "nowhere") == PUTFAIL
    assert await aioca.caget(f"{pv_prefix}REFUSED") == 4 + 9 + 1
    assert "no set 'nowhere'" in await text(f"{pv_prefix}REFUSED_WHY")
    assert await put(f"{pv_prefix}RESTORE_ID", "1002") == 1
    assert await put(f"{pv_prefix}RESTORE_ID", 0) == 1
    assert await aioca.caget(f"{pv_prefix}RESTORE_ID") == 1002


async def test_filter_policy_verify_and_enable(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 3))
    pvs = names("M:" + pv_prefix, 3)
    start_snapioc({"A": pvs}, machine.address)
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    await aioca.caput(pvs, [7.0, 8.0, 9.0], wait=True)
    assert await put(f"{pv_prefix}FILTER", "x" * 39) == PUTFAIL
    long_filter = ",".join([pvs[0], "!" + pvs[1], "nothing:*"])
    assert await put(f"{pv_prefix}FILTER.VAL$", long_filter) == 1
    severity = await aioca.caget(f"{pv_prefix}FILTER", format=aioca.FORMAT_TIME)
    assert severity.severity == 1
    assert await put(f"{pv_prefix}RESTORE_ID", 1001) == 1
    assert list(await aioca.caget(pvs)) == [0.0, 8.0, 9.0]
    assert "1 of 3 (filter" in await text(f"{pv_prefix}MESSAGE")
    assert await text(f"{pv_prefix}FILTER") == ""
    assert await put(f"{pv_prefix}RESTORE_ENABLE", "Disabled") == 1
    assert await put(f"{pv_prefix}RESTORE_ID", 1001) == PUTFAIL
    assert await put(f"{pv_prefix}A:RESTORE_ID", 1001) == PUTFAIL
    assert await put(f"{pv_prefix}RESTORE_ENABLE", 1) == 1
    assert await put(f"{pv_prefix}VERIFY", "No") == 1
    assert await put(f"{pv_prefix}POLICY", "Best effort") == 1
    assert await put(f"{pv_prefix}A:RESTORE_ID", 1001) == 1
    assert list(await aioca.caget(pvs)) == [0.0, 1.0, 2.0]


async def test_permit_pv_stands_in_the_way(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    permit = f"M:{pv_prefix}PERMIT"
    machine = start_ioc(database("M:" + pv_prefix, 3) + f'record(bo, "{permit}") {{}}\n')
    pvs = names("M:" + pv_prefix, 3)
    start_snapioc({"A": pvs}, machine.address, settings=f'[restore]\npermit_pv = "{permit}"')
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    await aioca.caput(pvs[1], 7.0, wait=True)
    assert await put(f"{pv_prefix}RESTORE_ID", 1001) == PUTFAIL
    assert permit in await text(f"{pv_prefix}REFUSED_WHY")
    await aioca.caput(permit, 1, wait=True)
    assert await put(f"{pv_prefix}RESTORE_ID", 1001) == 1
    assert await aioca.caget(pvs[1]) == 1.0


async def test_a_value_that_the_record_would_clamp_is_a_failed_put_that_names_it(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(f'record(ao, "M:{pv_prefix}") {{ field(VAL, "50") field(PINI, "YES") }}\n')
    start_snapioc({"A": [f"M:{pv_prefix}"]}, machine.address)
    assert await put(f"{pv_prefix}TRIGGER", 1) == 1
    await aioca.caput([f"M:{pv_prefix}.DRVH", f"M:{pv_prefix}.DRVL"], [10, -10], wait=True)
    assert await put(f"{pv_prefix}RESTORE_ID", 1001) == PUTFAIL
    assert await text(f"{pv_prefix}FAILURES") == f"M:{pv_prefix}\t50 is beyond the control limits -10 to 10"
    assert await aioca.caget(f"{pv_prefix}RESULT") == 3


async def test_title_then_trigger_of_one_client_is_safe(
    start_ioc: Callable[[str], SoftIoc], start_snapioc: Start, pv_prefix: str
) -> None:
    machine = start_ioc(database("M:" + pv_prefix, 3))
    start_snapioc({"A": names("M:" + pv_prefix, 3)}, machine.address)
    await aioca.connect([f"{pv_prefix}TITLE", f"{pv_prefix}TRIGGER"])
    for number in range(50):
        await aioca.caput(f"{pv_prefix}TITLE", f"title {number}", wait=False)
        save = asyncio.create_task(put(f"{pv_prefix}TRIGGER", 1))
        await asyncio.sleep(0)
        assert await save == 1
        assert await aioca.caget(f"{pv_prefix}LAST_TITLE") == f"title {number}"
    assert await aioca.caget(f"{pv_prefix}TITLE") == ""
