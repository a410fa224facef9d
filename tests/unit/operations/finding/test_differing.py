"""DIFF: what the last compare of a console found different, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from snapioc.model import Member, Refused

from ..machine import OPERATOR, Machine


class EndingView:
    """Does at the end of an operation what the console's view does."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def changed(self) -> None:
        pass

    async def ended(self) -> None:
        await self._machine.console.browser.differences.ended()


@pytest.fixture
async def machine() -> Any:
    """1001 is of 45 PVs, each of which differs by one more than the one before."""
    machine = Machine({"A": [Member(f"A:{number:02}") for number in range(46)]})
    await machine.saved()
    for number, pv in enumerate(machine.pvs.values()):
        pv.value = 2.0 * number
    machine.console.view = EndingView(machine)
    yield machine
    await machine.console.close()


def pages(machine: Machine) -> Any:
    return machine.console.browser.differences


async def test_a_compare_fills_the_first_page_the_largest_first(machine: Machine) -> None:
    assert await machine.console.compare(1001)
    part = pages(machine)
    assert (part.count, part.page, part.pages, len(part.rows)) == (45, 1, 3, 20)
    assert part.rows[0].pv == "A:01"
    assert (part.rows[4].pv, part.rows[4].stored, part.rows[4].other, part.rows[4].difference) == (
        "A:05",
        "5.0",
        "10.0",
        "+5",
    )


async def test_all_are_there_page_by_page(machine: Machine) -> None:
    await machine.console.compare(1001)
    part, seen = pages(machine), []
    for page in (1, 2, 3):
        await part.turn_to(page)
        seen += [row.pv for row in part.rows]
    assert sorted(seen) == [f"A:{number:02}" for number in range(1, 46)]
    await part.turn(1)
    assert part.page == 3
    await part.turn(-1)
    assert part.page == 2
    with pytest.raises(Refused, match="there is no page 9"):
        await part.turn_to(9)


async def test_other_operations_leave_the_page_alone(machine: Machine) -> None:
    await machine.console.compare(1001)
    await pages(machine).turn_to(2)
    await machine.console.trigger(OPERATOR)
    assert (pages(machine).page, pages(machine).count) == (2, 45)


async def test_the_next_compare_begins_anew(machine: Machine) -> None:
    await machine.console.compare(1001)
    await pages(machine).turn_to(2)
    await machine.saved()
    await machine.console.compare(1002)
    assert (pages(machine).page, pages(machine).count, pages(machine).rows) == (1, 0, ())


async def test_a_compare_that_fails_leaves_nothing(machine: Machine) -> None:
    await machine.console.compare(1001)
    machine.store.fault = "the disk is gone"
    assert not await machine.console.compare(1001)
    assert (pages(machine).count, pages(machine).rows) == (0, ())


async def test_a_refused_one_leaves_all(machine: Machine) -> None:
    await machine.console.compare(1001)
    with pytest.raises(Refused):
        await machine.console.compare(4711)
    assert pages(machine).count == 45


async def test_the_groups_of_sets_keep_only_what_they_show(machine: Machine) -> None:
    await machine.a.compare(1001)
    assert machine.a.state.compared.ranked is None
    assert machine.a.state.compared.different == 45
    await machine.console.compare(1001)
    assert len(machine.console.state.compared.ranked or ()) == 45
