"""The queue of updates to one client, with its barriers."""

from __future__ import annotations

import asyncio

import pytest

from snapioc.ioc.updates import MAX_QUEUED, UpdateQueue, release


async def test_what_is_put_is_taken_together_and_in_order() -> None:
    queue = UpdateQueue()
    for item in range(3):
        await queue.put(item)
    assert await queue.take() == [0, 1, 2]


async def test_a_barrier_lets_go_when_what_was_before_it_has_gone() -> None:
    queue = UpdateQueue()
    await queue.put("update")
    waiting = asyncio.create_task(queue.flushed())
    await asyncio.sleep(0)
    batch = await queue.take()
    await asyncio.sleep(0)
    assert not waiting.done()
    release(batch)
    await waiting


async def test_a_full_queue_says_so_and_can_be_emptied() -> None:
    queue = UpdateQueue()
    for item in range(MAX_QUEUED):
        await queue.put(item)
    with pytest.raises(asyncio.QueueFull):
        await queue.put("one more")
    waiting = asyncio.create_task(queue.flushed())
    await asyncio.sleep(0)
    queue.clear()
    await waiting
    assert queue.lost
    await queue.put("next")
    assert await queue.take() == ["next"]


async def test_nobody_waits_for_a_circuit_that_is_gone() -> None:
    queue = UpdateQueue()
    waiting = asyncio.create_task(queue.flushed())
    await asyncio.sleep(0)
    queue.close()
    await waiting
    await queue.flushed()
