"""Moments as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from snapioc.model import Refused
from snapioc.operations.finding.filters import Filters
from snapioc.operations.finding.moments import moment

NOW = datetime(2026, 11, 21, 8, 15, 30, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is that of a place with summer time, two hours ahead in winter."""
    monkeypatch.setenv("TZ", "EET-2EEST,M3.5.0/3,M10.5.0/4")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-20", "2026-11-19T22:00"),
        ("2026-07-01", "2026-06-30T21:00"),
        ("2026-11-20 08:15", "2026-11-20T06:15"),
        ("2026-11-20T08:15:30.5", "2026-11-20T06:15:30.5"),
        ("2026-11-20T08:15+00:00", "2026-11-20T08:15"),
        ("2026-11-20T08:15Z", "2026-11-20T08:15"),
        ("today", "2026-11-20T22:00"),
        (" Yesterday ", "2026-11-19T22:00"),
        ("2h", "2026-11-21T06:15:30"),
        ("2 h ago", "2026-11-21T06:15:30"),
        ("30min", "2026-11-21T07:45:30"),
        ("90s", "2026-11-21T08:14"),
        ("3d", "2026-11-18T08:15:30"),
        ("3 days ago", "2026-11-18T08:15:30"),
        ("1 week", "2026-11-14T08:15:30"),
        ("0s", "2026-11-21T08:15:30"),
    ],
)
def test_what_a_text_means(text: str, meant: str) -> None:
    assert moment(text, NOW) == utc(meant)


@pytest.mark.parametrize(
    ("text", "next_day"),
    [("2026-11-20", "2026-11-20T22:00"), ("today", "2026-11-21T22:00"), ("2026-10-25", "2026-10-25T22:00")],
)
def test_as_an_end_a_day_counts_whole(text: str, next_day: str) -> None:
    """Also the one that has 25 hours."""
    assert utc(next_day) - 0.001 < moment(text, NOW, last=True) < utc(next_day)


def test_as_an_end_a_moment_is_itself() -> None:
    assert moment("2026-11-20 08:15", NOW, last=True) == moment("2026-11-20 08:15", NOW)
    assert moment("2h", NOW, last=True) == NOW - 7200


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-13-01", "20:00", "3x", "-2h", "h", "2026-02-30", "9999999d", "0001-01-01", "1e3s", "٣d"]
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Refused, match=r"is no time: write 2026-11-20"):
        moment(text, NOW)


@pytest.mark.parametrize("filters", [Filters(since="soon"), Filters(until="soon"), Filters(pv="A B"), Filters(pv="A'")])
def test_filters_that_cannot_be_understood_are_refused(filters: Filters) -> None:
    with pytest.raises(Refused):
        filters.check(NOW)
