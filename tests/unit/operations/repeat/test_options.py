"""What the settings of a repetition mean, and what they may not be."""

from __future__ import annotations

from dataclasses import fields

import pytest

from snapioc.model import Refused
from snapioc.operations.repeat import SETTINGS, Options
from snapioc.operations.repeat.keep import parse_keep
from snapioc.operations.repeat.options import options_of, parse


def test_every_setting_is_an_option() -> None:
    assert sorted(SETTINGS.values()) == sorted(field.name for field in fields(Options))
    assert options_of(lambda name: "") == Options()


@pytest.mark.parametrize(
    ("text", "count", "seconds"),
    [
        ("", None, None),
        ("100", 100, None),
        ("30min", None, 1800),
        ("12h", None, 43_200),
        ("7d", None, 604_800),
        (" 8 w ", None, 4_838_400),
        ("1.5h", None, 5400),
        ("20s", None, 20),
    ],
)
def test_keep(text: str, count: int | None, seconds: float | None) -> None:
    keep = parse_keep(text)
    assert (keep.text, keep.count, keep.seconds) == (text.strip(), count, seconds)


TOO_MUCH = ["99999999999999999999", "1000000001", "1" * 400, "1" * 400 + "d", "52179w", "31557600001s"]


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "all", "7 days", "0h", "h", "1e3", "7d12h", "nan", *TOO_MUCH])
def test_what_keep_may_not_be(text: str) -> None:
    with pytest.raises(Refused, match="KEEP") as why:
        parse_keep(text)
    assert len(str(why.value)) < 300


@pytest.mark.parametrize("text", ["1000000000", "31557600000s", "8766000h"])
def test_the_most_that_keep_may_be(text: str) -> None:
    assert parse_keep(text).text == text


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("PERIOD", ["0", "0.1", "86400"], ["0.05", "-1", "nan", "inf", "x", "1e10"]),
        ("MIN_INTERVAL", ["0", "2.5"], ["-1", "nan"]),
        ("BURST", ["1", "1000"], ["0", "1001", "1.5"]),
        ("WINDOW", ["0", "600000"], ["-1", "600001"]),
        ("SUB_PUSH", ["0", "50"], ["-1", "49"]),
        ("BACK", ["0", "60000"], ["60001"]),
        ("ARM", ["0", "1"], ["2", "yes"]),
        ("TRIG_PV", ["", "A:B.VAL", "X.DESC$", 'A{"1"}'[:0]], ["A B", "A,B", "A'B"]),
    ],
)
def test_bounds(name: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        parse(name, text)
    for text in bad:
        with pytest.raises(Refused, match=name):
            parse(name, text)


def test_a_kept_setting_that_is_allowed_no_more_does_not_stop_the_ioc() -> None:
    assert options_of({"PERIOD": "0.01", "ARM": "1"}.get) == Options(armed=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", TOO_MUCH)
def test_a_kept_number_that_nothing_can_hold_does_not_stop_the_ioc(text: str) -> None:
    assert options_of({"KEEP": text, "ARM": "1"}.get) == Options(armed=True)  # type: ignore[arg-type]
