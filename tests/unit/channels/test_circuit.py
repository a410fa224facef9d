"""How much a circuit lets through, and in which order."""

from __future__ import annotations

import asyncio

import pytest

from snapioc.channels.circuit import ROOM, Circuit


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def enter_all(circuit: Circuit, sizes: list[int], entered: list[int]) -> list[asyncio.Task[None]]:
    async def enter(number: int, size: int) -> None:
        await circuit.enter(size)
        entered.append(number)

    tasks = [asyncio.create_task(enter(number, size)) for number, size in enumerate(sizes)]
    await settle()
    return tasks


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_fits_goes_at_once_and_the_rest_in_its_order_as_room_comes_free() -> None:
    circuit, entered = Circuit(), list[int]()
    tasks = await enter_all(circuit, [ROOM // 2] * 4, entered)
    assert entered == [0, 1]
    circuit.leave(ROOM // 2)
    await settle()
    assert entered == [0, 1, 2]
    circuit.leave(ROOM // 2)
    await settle()
    assert entered == [0, 1, 2, 3]
    await end(tasks)


async def test_one_large_request_goes_when_there_is_room_at_all_and_lets_nobody_in_behind_it() -> None:
    circuit, entered = Circuit(), list[int]()
    tasks = await enter_all(circuit, [10, 100 * ROOM, 10], entered)
    assert entered == [0, 1]
    circuit.leave(100 * ROOM)
    await settle()
    assert entered == [0, 1, 2]
    await end(tasks)


async def test_room_that_comes_free_in_one_piece_is_filled_by_as_many_as_fit() -> None:
    circuit, entered = Circuit(), list[int]()
    tasks = await enter_all(circuit, [ROOM] + [ROOM // 8] * 30, entered)
    circuit.leave(ROOM)
    await settle()
    assert len(entered) == 1 + 8
    await end(tasks)


@pytest.mark.parametrize("leave_first", [False, True])
async def test_one_who_gives_up_does_not_take_the_turn_of_the_next(leave_first: bool) -> None:
    circuit, entered = Circuit(), list[int]()
    tasks = await enter_all(circuit, [ROOM, 10, 10], entered)
    if leave_first:
        circuit.leave(ROOM)
    tasks[1].cancel()
    if not leave_first:
        circuit.leave(ROOM)
    await settle()
    assert entered == [0, 2]
    await end(tasks)


async def test_room_is_given_back_when_its_block_ends_however_it_ends() -> None:
    circuit = Circuit()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(5), circuit.room(ROOM):
                _ = 1 / 0
