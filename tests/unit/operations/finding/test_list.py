"""LIST: pages of the list, which follow new snapshots or stand still."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from snapioc.model import AFTER_RESTORE, AUTOMATIC, BEFORE_RESTORE, MANUAL, Refused
from snapioc.operations import Console
from snapioc.operations.finding import ListKind

from ..machine import OPERATOR
from .places import Place, Seen, browsing, place, until


def ids(here: Place) -> list[int]:
    return [header.id for header in here.console.browser.list.listed.rows]


def state(here: Place) -> tuple[int, int, int, int]:
    """COUNT, PAGE, PAGES and NEWER."""
    part = here.console.browser.list
    return part.listed.count, part.listed.page, part.pages, part.listed.newer


async def test_the_newest_come_first_twenty_at_a_time() -> None:
    async with place(45) as here:
        assert ids(here) == list(range(1045, 1025, -1))
        assert state(here) == (45, 1, 3, 0)
        assert await here.console.browser.list.turn_to(3)
        assert ids(here) == [1005, 1004, 1003, 1002, 1001]


async def test_an_empty_list_is_one_empty_page() -> None:
    async with place() as here:
        assert (ids(here), state(here)) == ([], (0, 1, 1, 0))


@pytest.mark.parametrize("page", [0, -1, 4])
async def test_a_page_that_is_not_there_is_refused(page: int) -> None:
    async with place(45) as here:
        with pytest.raises(Refused, match=f"there is no page {page}; the last one is 3"):
            await here.console.browser.list.turn_to(page)
        assert state(here)[1] == 1


async def test_next_and_previous_stop_at_the_ends() -> None:
    async with place(45) as here:
        seen = []
        for by in (1, 1, 1, -1, -1, -1):
            assert await here.console.browser.list.turn(by)
            seen.append(state(here)[1])
        assert seen == [2, 3, 3, 2, 1, 1]


async def test_page_one_follows() -> None:
    async with place(1) as here:
        await here.filled(1)
        await until(lambda: ids(here) == [1002, 1001])
        assert state(here) == (2, 1, 1, 0)


async def test_another_page_stands_still_and_counts_what_came() -> None:
    async with place(25) as here:
        part = here.console.browser.list
        await part.turn_to(2)
        await here.filled(3)
        await until(lambda: state(here)[3] == 3)
        assert ids(here) == [1005, 1004, 1003, 1002, 1001]
        assert state(here) == (25, 2, 2, 3)
        await part.newest()
        assert ids(here)[0] == 1028
        assert state(here) == (28, 1, 2, 0)


async def test_while_a_snapshot_is_selected_page_one_stands_still() -> None:
    async with place(2) as here:
        browser = here.console.browser
        await browser.selection.choose(1001)
        await here.filled(2)
        await until(lambda: state(here)[3] == 2)
        assert ids(here) == [1002, 1001]
        await browser.list.newest()
        assert (ids(here), state(here)) == ([1004, 1003, 1002, 1001], (4, 1, 1, 0))
        await here.filled(1)
        await until(lambda: state(here)[3] == 1)
        await browser.selection.choose(0)
        assert (ids(here)[0], state(here)) == (1005, (5, 1, 1, 0))


async def test_nothing_that_came_into_an_empty_list_is_shown_while_one_is_selected() -> None:
    async with place(1) as here:
        browser = here.console.browser
        await browser.list.filter(title="nothing has this title")
        await browser.selection.choose(1001)
        await here.filled(1, title="nothing has this title, but this one")
        await until(lambda: state(here)[3] == 1)
        assert ids(here) == []


async def test_filters_reach_the_store_and_show_the_first_page() -> None:
    async with place(25) as here:
        part = here.console.browser.list
        await part.turn_to(2)
        filters: dict[str, Any] = {"title": " Ref ", "tag": "golden", "set_name": "A", "pv": "A:1", "since": "2h"}
        for name, text in filters.items():
            assert await part.filter(**{name: text})
        wanted = here.store.queries[-1]
        assert (wanted.title, wanted.tag, wanted.set_name, wanted.pv) == ("Ref", "golden", "A", "A:1")
        assert wanted.since > 1e9
        assert wanted.until is None
        assert part.filters.title == " Ref "
        assert state(here) == (0, 1, 1, 0)


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [
        (ListKind.HAND_MADE, (MANUAL,)),
        (ListKind.AUTOMATIC, (AUTOMATIC,)),
        (ListKind.ALL, (MANUAL, AUTOMATIC)),
        (ListKind.UNDO, (BEFORE_RESTORE, AFTER_RESTORE)),
    ],
)
async def test_kinds(kind: ListKind, kinds: tuple[str, ...]) -> None:
    async with place() as here:
        await here.console.browser.list.filter(kind=kind)
        assert here.store.queries[-1].kinds == kinds


async def test_a_filter_that_cannot_be_understood_changes_nothing() -> None:
    async with place(2) as here:
        with pytest.raises(Refused, match="'soon' is no time"):
            await here.console.browser.list.filter(since="soon")
        assert here.console.browser.list.filters.since == ""
        assert ids(here) == [1002, 1001]


async def test_of_two_puts_at_once_the_last_one_wins_whole() -> None:
    async with place() as here:
        await here.filled(2, title="one")
        await here.filled(2, title="other")
        part = here.console.browser.list
        await part.again()
        here.store.gate = asyncio.Event()
        part.view = seen = Seen(lambda: ids(here))
        begun, puts = len(here.store.queries), []
        for title in ("one", "other"):
            puts.append(asyncio.create_task(part.filter(title=title)))
            await here.store.is_asked(begun)
        await asyncio.sleep(0)
        assert ids(here) == [1004, 1003, 1002, 1001]
        assert not any(put.done() for put in puts)
        here.store.gate.set()
        assert await asyncio.gather(*puts) == [True, True]
        assert seen.seen == [[1004, 1003]]


async def test_a_page_that_is_overtaken_by_a_filter_is_not_turned_to() -> None:
    async with place(45) as here:
        part = here.console.browser.list
        here.store.gate = asyncio.Event()
        puts = [asyncio.create_task(work) for work in (part.newest(), part.turn_to(3), part.filter(set_name="A"))]
        for _ in range(5):
            await asyncio.sleep(0)
        here.store.gate.set()
        await asyncio.gather(*puts)
        assert state(here) == (45, 1, 3, 0)


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_page_that_follows_a_refresh_stands_behind_the_newest_of_all(is_away: bool) -> None:
    async with place(66) as here:
        part = here.console.browser.list
        if is_away:
            here.store.fault = "the disk is gone"
        await asyncio.gather(part.newest(), part.turn(1))
        here.store.fault = None
        if is_away:
            await part.again()
        assert (state(here), ids(here)[0]) == ((66, 2, 4, 0), 1046)
        await here.filled(1)
        await until(lambda: state(here)[3] == 1)
        await part.turn(1)
        assert (state(here), ids(here)[0]) == ((66, 3, 4, 1), 1026)


async def test_next_turns_the_list_that_was_asked_for_before_it() -> None:
    async with place(45) as here:
        part = here.console.browser.list
        await part.filter(title="nothing has this title")
        await asyncio.gather(part.filter(title=""), part.turn(1), part.turn(1))
        assert state(here) == (45, 3, 3, 0)
        await asyncio.gather(part.turn_to(1), part.turn(1))
        assert state(here) == (45, 2, 3, 0)
        await asyncio.gather(part.turn(1), part.filter(set_name="A"))
        assert state(here) == (45, 1, 3, 0)


async def test_a_refusal_is_told_until_a_put_is_not_refused() -> None:
    async with place(1) as here:
        part = here.console.browser.list
        await part.refused("there is no page 9")
        await here.filled(1)
        await until(lambda: len(ids(here)) == 2)
        assert part.message == "there is no page 9"
        await part.turn(1)
        assert part.message == ""


async def test_filters_that_let_nothing_pass_are_said_so() -> None:
    async with place() as here:
        part = here.console.browser.list
        assert part.message == ""
        await part.filter(title="nothing has this title")
        assert part.message == "No snapshot matches"
        await here.filled(1)
        await part.filter(title="")
        assert part.message == ""


async def test_when_the_store_does_not_answer_the_rows_stay_and_a_sentence_says_why() -> None:
    async with place(25) as here:
        part = here.console.browser.list
        here.store.fault = "the disk is gone"
        assert not await part.turn_to(2)
        assert part.fault == "The list is not up to date: the disk is gone"
        assert (len(ids(here)), state(here)) == (20, (25, 1, 2, 0))
        here.store.fault = None
        here.plant.list_changed()
        await until(lambda: not part.fault)
        assert state(here)[1] == 2


async def test_a_page_that_was_deleted_away_is_left() -> None:
    async with place(41) as here:
        part = here.console.browser.list
        await part.turn_to(3)
        await here.store.delete(1001, OPERATOR)
        here.plant.list_changed()
        await until(lambda: state(here) == (40, 2, 2, 0))
        assert ids(here)[-1] == 1002


async def test_a_hundred_snapshots_cost_a_query_or_two() -> None:
    async with place() as here:
        begun = len(here.store.queries)
        await here.filled(100)
        await until(lambda: state(here)[0] == 100)
        assert len(here.store.queries) - begun <= 3


async def test_two_consoles_do_not_disturb_each_other() -> None:
    async with place(25) as here:
        other = Console(here.plant, "OP1")
        async with browsing(other):
            await other.browser.list.filter(set_name="B")
            await here.console.browser.list.turn_to(2)
            assert other.browser.list.listed.rows == ()
            assert ids(here) == [1005, 1004, 1003, 1002, 1001]
            await other.browser.selection.choose(1001)
            assert here.console.browser.selection.id == 0
