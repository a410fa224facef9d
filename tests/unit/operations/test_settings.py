"""Settings outlive the IOC, and a store that fails."""

from __future__ import annotations

import logging

import pytest

from snapioc.model import StoreError
from snapioc.operations.settings import Settings

from .fakes import FakeStore


async def test_a_setting_counts_at_once_and_is_there_after_a_restart() -> None:
    store = FakeStore()
    await Settings(store).put("A", "PERIOD", "5.0")
    again = Settings(store)
    assert again.get("A", "PERIOD", "0") == "0"
    await again.load()
    assert (again.get("A", "PERIOD"), again.get("B", "PERIOD", "0")) == ("5.0", "0")


async def test_what_a_store_does_not_take_now_it_is_given_later() -> None:
    store = FakeStore(fault="the store is locked")
    settings = Settings(store)
    await settings.put("A", "ARM", "1")
    assert settings.get("A", "ARM") == "1"
    with pytest.raises(StoreError, match="the store is locked"):
        await settings.keep()
    store.fault = None
    await settings.keep()
    assert await store.settings() == {("A", "ARM"): "1"}


async def test_what_was_set_before_the_store_answered_is_newer_than_what_it_holds() -> None:
    store = FakeStore()
    await Settings(store).put("A", "ARM", "1")
    await Settings(store).put("A", "KEEP", "7d")
    settings, told = Settings(store), []
    settings.watchers.append(lambda: told.append(settings.get("A", "KEEP")))
    store.fault = "the store is locked"
    await settings.put("A", "ARM", "0")
    with pytest.raises(StoreError):
        await settings.load()
    store.fault = None
    await settings.load()
    assert (settings.get("A", "ARM"), told) == ("0", ["7d"])


async def test_what_is_no_number_in_the_store_counts_as_never_set(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(FakeStore())
    await settings.put("A", "DRIFT_MAX", "many")
    with caplog.at_level(logging.ERROR):
        assert [settings.number("A", "DRIFT_MAX", 10) for _ in range(2)] == [10, 10]
    assert caplog.text.count("the setting DRIFT_MAX of A is 'many', which is no number: 10 counts") == 1
