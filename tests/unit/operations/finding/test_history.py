"""HIST: what one PV held in the newest snapshots."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest

from snapioc.model import DbrType, Metadata, Reading, Reason, Refused
from snapioc.operations.finding.history import History, Past, number_of, past_of
from snapioc.operations.wording import WIDTH

from .places import Place, Seen, place, until


def of(here: Place) -> History:
    return here.console.browser.history


async def test_the_newest_come_first() -> None:
    async with place() as here:
        for value in (1.0, 2.0, 3.0):
            here.pvs["A:1"].value = value
            await here.filled(1)
        here.pvs["A:1"].reason = Reason.DISCONNECTED
        await here.filled(1)
        assert await of(here).choose(" A:1 ")
        past = of(here).past
        assert past.ids == (1004, 1003, 1002, 1001)
        assert math.isnan(past.values[0])
        assert past.values[1:] == (3.0, 2.0, 1.0)
        assert past.texts == ("[disconnected]", "3.0", "2.0", "1.0")
        assert past.times == (1.0,) * 4


async def test_it_follows_new_snapshots() -> None:
    async with place(1) as here:
        await of(here).choose("A:1")
        await here.filled(1)
        await until(lambda: of(here).past.ids == (1002, 1001))
        await of(here).choose("")
        assert (of(here).past, of(here).message) == (Past(), "")


async def test_how_many_are_looked_at() -> None:
    async with place(5) as here:
        await of(here).choose("A:1")
        assert await of(here).want(2)
        assert of(here).past.ids == (1005, 1004)
        for count in (0, 1001, -1):
            with pytest.raises(Refused, match="from 1 to 1000"):
                await of(here).want(count)
        assert of(here).wanted == 2


async def test_a_pv_that_no_snapshot_has_is_said_so() -> None:
    async with place(1) as here:
        assert await of(here).choose("X:1")
        assert (of(here).past, of(here).message) == (Past(), "No snapshot contains X:1")


async def test_of_two_puts_at_once_the_last_one_wins() -> None:
    async with place(1) as here:
        here.store.gate = asyncio.Event()
        of(here).view = seen = Seen(lambda: of(here).past.values)
        begun, puts = len(here.store.queries), []
        for pv in ("A:1", "A:2"):
            puts.append(asyncio.create_task(of(here).choose(pv)))
            await here.store.is_asked(begun)
        await asyncio.sleep(0)
        here.store.gate.set()
        await asyncio.gather(*puts)
        assert seen.seen == [(1.0,)]


async def test_what_is_no_pv_name_is_refused() -> None:
    async with place(1) as here:
        with pytest.raises(Refused, match="cannot stand in a PV name"):
            await of(here).choose("A 1")
        assert of(here).pv == ""


async def test_when_the_store_does_not_answer_what_was_known_stays() -> None:
    async with place(1) as here:
        await of(here).choose("A:1")
        here.store.fault = "the disk is gone"
        assert not await of(here).want(5)
        assert of(here).message == "The history is not up to date: the disk is gone"
        assert of(here).past.ids == (1001,)


def reading(value: object, dbr_type: DbrType = DbrType.DOUBLE, units: str = "") -> Reading:
    return Reading(Reason.OK, dbr_type, 1, value, metadata=Metadata(units=units))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "number"),
    [(1.5, 1.5), (3, 3.0), (np.array([7, 8]), 7.0), (np.array([]), math.nan), (b"1", math.nan), ([b"1"], math.nan)]
    + [(math.inf, math.inf), (float("nan"), math.nan), (None, math.nan)],
)
def test_numbers_of_values(value: object, number: float) -> None:
    found = number_of(reading(value))
    assert found == number or found is math.nan is number


def test_units_are_the_newest_that_are_known() -> None:
    assert past_of([]) == Past()
    readings = [Reading(Reason.DISCONNECTED), reading(1.0, units="A"), reading(1.0, units="mA")]
    header = type("Header", (), {"id": 1, "taken_at": 2.0})()
    assert past_of([(header, each) for each in readings]).units == "A"


async def test_of_arrays_only_the_beginning_is_asked_for() -> None:
    asked = []
    async with place(1) as here:
        ask = here.store.history

        async def history(*args: Any, **options: Any) -> Any:
            asked.append(options)
            return await ask(*args, **options)

        here.store.history = history  # type: ignore[method-assign]
        await of(here).choose("A:1")
    assert asked == [{"elements": WIDTH}]


def test_a_cut_array_still_tells_its_length() -> None:
    cut = Reading(Reason.OK, DbrType.DOUBLE, 300_000, np.arange(200.0))
    header = type("Header", (), {"id": 1, "taken_at": 2.0})()
    assert past_of([(header, cut)]).texts == ("[0.0, 1.0, 2.0, 3.0, 4.0, ...] (300000)",)


async def test_a_refusal_is_told_until_a_put_is_not_refused() -> None:
    async with place(1) as here:
        await of(here).refused("blanks cannot stand in a PV name")
        assert of(here).message == "blanks cannot stand in a PV name"
        await of(here).choose("A:1")
        assert of(here).message == ""
