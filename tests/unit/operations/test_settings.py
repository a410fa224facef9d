"""Settings outlive the IOC, and a store that fails."""

from __future__ import annotations

import asyncio
import logging

import pytest

from snapioc.model import GOLDEN_ID, StoreError, UnknownSnapshot
from snapioc.operations import settings as settings_module
from snapioc.operations.settings import Settings

from .fakes import FakeStore


class Told:
    """What the store's faults are told to."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    async def __call__(self, fault: StoreError) -> None:
        self.faults.append(str(fault))


def of(store: FakeStore) -> Settings:
    return Settings(store, Told())


async def put(settings: Settings, group: str, name: str, value: str) -> None:
    settings.change(group, name, value)
    await settings.kept()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "PATIENCE", 0.01)


async def test_a_setting_counts_at_once_and_is_there_after_a_restart() -> None:
    store = FakeStore()
    await put(of(store), "A", "PERIOD", "5.0")
    again = of(store)
    assert again.get("A", "PERIOD", "0") == "0"
    await again.load()
    assert (again.get("A", "PERIOD"), again.get("B", "PERIOD", "0")) == ("5.0", "0")


async def test_what_a_store_does_not_take_now_it_is_given_later() -> None:
    store = FakeStore(fault="the store is locked")
    settings = of(store)
    await put(settings, "A", "ARM", "1")
    assert settings.get("A", "ARM") == "1"
    with pytest.raises(StoreError, match="the store is locked"):
        await settings.keep()
    store.fault = None
    await settings.keep()
    assert await store.settings() == {("A", "ARM"): "1"}


async def test_that_a_store_does_not_take_it_is_told_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    store, told = FakeStore(fault="the store is locked"), Told()
    settings = Settings(store, told)
    await put(settings, "A", "ARM", "1")
    await put(settings, "A", "PERIOD", "5.0")
    assert told.faults == ["the store is locked"] * 2
    assert caplog.messages == ["counts but is not on disk yet: ARM '1' of A: the store is locked"]
    store.fault = None
    await settings.keep()
    store.fault = "the disk is full"
    await put(settings, "A", "ARM", "0")
    assert caplog.messages[1:] == ["counts but is not on disk yet: ARM '0' of A: the disk is full"]


@pytest.mark.usefixtures("hasty")
async def test_a_store_that_hangs_holds_nobody_up_and_gets_the_newest_value_last() -> None:
    store = FakeStore(unlocked=asyncio.Event())
    settings = of(store)
    await put(settings, "A", "ARM", "1")
    await put(settings, "A", "ARM", "0")
    assert (settings.get("A", "ARM"), store.kept) == ("0", {})
    keep = asyncio.create_task(settings.keep())  # as the watch over the store does
    await asyncio.sleep(0)
    assert store.unlocked
    store.unlocked.set()
    await keep
    await settings.close()
    assert store.kept == {("A", "ARM"): "0"}


async def test_at_the_end_the_store_is_given_what_it_did_not_take(caplog: pytest.LogCaptureFixture) -> None:
    store = FakeStore(fault="the store is locked")
    settings = of(store)
    await put(settings, "A", "ARM", "1")
    store.fault = None
    caplog.clear()
    await settings.close()
    assert (store.kept, caplog.messages) == ({("A", "ARM"): "1"}, [])


@pytest.mark.usefixtures("hasty")
async def test_the_end_does_not_wait_for_a_store_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    settings = of(FakeStore(unlocked=asyncio.Event()))
    await put(settings, "A", "ARM", "1")
    await settings.close()
    assert len(asyncio.all_tasks()) == 1
    assert caplog.messages == ["lost, for the store did not take it: ARM '1' of A"]


async def test_a_commit_counts_only_once_it_is_on_disk() -> None:
    store = FakeStore(unlocked=asyncio.Event())
    settings = of(store)
    task = asyncio.create_task(settings.commit("A", GOLDEN_ID, "0"))
    await asyncio.sleep(0)
    assert settings.get("A", GOLDEN_ID) == ""
    assert store.unlocked
    store.unlocked.set()
    await task
    assert (settings.get("A", GOLDEN_ID), store.kept) == ("0", {("A", GOLDEN_ID): "0"})
    store.fault = "the store is locked"
    with pytest.raises(StoreError, match="the store is locked"):
        await settings.commit("A", GOLDEN_ID, "")
    store.fault = None
    with pytest.raises(UnknownSnapshot, match="there is no snapshot 1001"):
        await settings.commit("A", GOLDEN_ID, "1001")
    await settings.keep()
    assert (settings.get("A", GOLDEN_ID), store.kept) == ("0", {("A", GOLDEN_ID): "0"})


async def test_what_was_set_before_the_store_answered_is_newer_than_what_it_holds() -> None:
    store = FakeStore()
    await put(of(store), "A", "ARM", "1")
    await put(of(store), "A", "KEEP", "7d")
    settings, told = of(store), []
    settings.watchers.append(lambda: told.append(settings.get("A", "KEEP")))
    store.fault = "the store is locked"
    await put(settings, "A", "ARM", "0")
    with pytest.raises(StoreError):
        await settings.load()
    store.fault = None
    await settings.load()
    assert (settings.get("A", "ARM"), told) == ("0", ["7d"])


async def test_what_is_no_number_in_the_store_counts_as_never_set(caplog: pytest.LogCaptureFixture) -> None:
    settings = of(FakeStore())
    await put(settings, "A", "DRIFT_MAX", "many")
    with caplog.at_level(logging.ERROR):
        assert [settings.number("A", "DRIFT_MAX", 10) for _ in range(2)] == [10, 10]
    assert caplog.text.count("the setting DRIFT_MAX of A is 'many', which is no number: 10 counts") == 1
