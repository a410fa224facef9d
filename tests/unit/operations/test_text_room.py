"""How much text the records have room for."""

from __future__ import annotations

from snapioc.model import DbrType, Flag
from snapioc.operations.text_room import text_room
from tests.unit.model.make import readings

from .fakes import FakeChannels, FakePv

T = DbrType.STRING


def fake_text(room: int) -> FakePv:
    return FakePv(b"now", T, room=room)


async def test_each_long_text_is_asked_for_and_no_other() -> None:
    asked: list[str] = []
    channels = FakeChannels({"A": fake_text(50), "B": fake_text(300), "C.DESC": fake_text(41), "D": fake_text(1)})
    channels.pvs["C.DESC$"] = fake_text(41)
    channels.hook = asked.append
    long = {"flags": Flag.LONG}
    values = readings(
        (T, b"x" * 49, long), (T, b"x" * 40, long), (T, b"x" * 40, long), (T, b"x" * 39), (DbrType.DOUBLE, 1.0), (T, b"")
    )
    found = await text_room(channels, ["A", "B", "C.DESC", "D", "E", "F"], values, 1.0)
    assert found.tolist() == [49, 299, 40, -1, -1, -1]
    assert asked == ["connect", "states"]


async def test_without_long_texts_nothing_is_asked() -> None:
    channels = FakeChannels({})
    asked: list[str] = []
    channels.hook = asked.append
    values = readings((T, b"x" * 39), (T, [b"a" * 39, b"b" * 39]), (DbrType.CHAR, 1))
    assert (await text_room(channels, ["A", "B", "C"], values, 1.0)).tolist() == [-1, -1, -1]
    assert asked == []


async def test_without_its_long_channel_a_pv_takes_what_a_string_holds() -> None:
    found = await text_room(FakeChannels({}), ["A"], readings((T, b"x" * 40)), 1.0)
    assert found.tolist() == [39]
