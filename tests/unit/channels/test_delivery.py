"""Events on their way to the main loop."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from snapioc.channels import delivery
from snapioc.channels.delivery import ROW, Delivery, EventSubscription
from snapioc.model import Events, ReadingsBuilder


def events(*rows: int) -> Events:
    return Events(np.array(rows, np.intp), ReadingsBuilder(len(rows)).build())


async def test_they_come_in_their_order_until_it_is_closed() -> None:
    seen: list[list[int]] = []
    made = Delivery(asyncio.get_running_loop(), lambda heard: seen.append(heard.rows.tolist()))
    await asyncio.to_thread(made.post, events(1, 2))
    await asyncio.to_thread(made.post, events(3))
    await asyncio.sleep(0)
    assert seen == [[1, 2], [3]]
    made.post(events(4))
    await EventSubscription(made).close()
    await asyncio.sleep(0)
    assert seen == [[1, 2], [3]]
    assert made.closed


async def test_it_is_full_until_the_loop_has_taken_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "HELD", 3 * ROW)
    made = Delivery(asyncio.get_running_loop(), lambda heard: None)
    made.post(events(1, 2, 3))
    assert not made.full
    made.post(events(4))
    assert made.full
    await asyncio.sleep(0)
    assert not made.full


def test_a_loop_that_is_closed_wants_nothing() -> None:
    loop = asyncio.new_event_loop()
    made = Delivery(loop, lambda heard: None)
    loop.close()
    made.post(events(1))
    assert made.closed
