"""What a put means, and how values look on the wire."""

from __future__ import annotations

import math

import numpy as np
import pytest
from caproto import ChannelType
from caproto._dbr import DbrStringArray
from hypothesis import given
from hypothesis import strategies as st

from snapioc.ioc.wire import (
    TEXT_LIMIT,
    characters,
    cut,
    number_in,
    numbers,
    only,
    put_values,
    strings,
    text_of,
    whole_number,
)
from snapioc.model import Refused

INTEGER_TYPES = (ChannelType.INT, ChannelType.ENUM, ChannelType.CHAR, ChannelType.LONG)
FLOAT_TYPES = (ChannelType.FLOAT, ChannelType.DOUBLE)


@pytest.mark.parametrize(
    ("put", "meant"),
    [(1001, 1001), (1001.0, 1001), (b"1001", 1001), (b" 7 ", 7), (b"1001.0", 1001), (b"-5", -5), (b"+5", 5)],
)
def test_a_whole_number_is_a_number_or_its_text(put: bytes | float, meant: int) -> None:
    assert whole_number(put) == meant


@pytest.mark.parametrize("put", [2**31 - 1, -(2**31), str(2**31 - 1).encode()])
def test_the_bounds_of_int32_are_whole_numbers(put: bytes | int) -> None:
    assert whole_number(put) == int(put)


@pytest.mark.parametrize(
    "put",
    [b"", b" ", b"abc", b"1.5", b"nan", b"inf", b"1e400", b"0x10", b"2147483648", b"1 2", b"\xff", 1.5, math.nan, math.inf]
    + [-math.inf, 2.0**31, 2**31, -(2**31) - 1],
)
def test_anything_else_is_refused_as_a_number(put: bytes | float) -> None:
    with pytest.raises(Refused):
        whole_number(put)


@pytest.mark.parametrize("values", [[], [1, 2], [b"a", b"b"]])
def test_a_scalar_takes_one_value(values: list[int] | list[bytes]) -> None:
    with pytest.raises(Refused):
        only(values)


def test_a_string_ends_at_its_first_nul() -> None:
    assert put_values(DbrStringArray([b"ab\0cd", b""])) == [b"ab", b""]
    assert put_values(np.array([1.5], ">f8")) == [1.5]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([b"text"], "text"),
        ([], ""),
        ([b""], ""),
        ([65, 66, 0, 0], "AB"),
        ([65, 0, 66], "A"),
        ([0xC3, 0xA9], "é"),
        ([0xE9], "é"),
        ([-61, -87], "é"),
    ],
)
def test_a_text_is_a_string_or_characters(values: list[bytes] | list[int], text: str) -> None:
    assert text_of(values) == text


@pytest.mark.parametrize("values", [[256], [-129], [65.0], [b"a", b"b"], [65] * (TEXT_LIMIT + 1)])
def test_what_is_no_text_or_too_long_is_refused(values: list[bytes] | list[int]) -> None:
    with pytest.raises(Refused):
        text_of(values)


@given(st.lists(st.integers(-128, 255), max_size=60))
def test_any_bytes_become_a_text_that_can_be_served(values: list[int]) -> None:
    characters(text_of(values))


@given(st.text(), st.integers(0, 60))
def test_a_text_is_cut_between_characters(text: str, limit: int) -> None:
    raw = cut(text, limit)
    assert len(raw) <= limit
    assert text.encode(errors="replace").decode().startswith(raw.decode())
    assert len(text.encode(errors="replace")) <= limit or len(raw) > limit - 4


@given(st.floats() | st.integers(-(2**70), 2**70), st.sampled_from(INTEGER_TYPES + FLOAT_TYPES))
def test_any_number_becomes_any_type(number: float, native: ChannelType) -> None:
    (wire,) = numbers([number], native).tolist()
    if native in INTEGER_TYPES:
        bounds = np.iinfo(numbers([0], native).dtype)
        expected = 0 if math.isnan(number) else min(max(number, bounds.min), bounds.max)
        assert wire == math.trunc(expected)
    elif native is ChannelType.DOUBLE and isinstance(number, float):
        assert wire == number or math.isnan(number)


@given(st.lists(st.text(), max_size=4))
def test_strings_have_at_most_39_bytes(texts: list[str]) -> None:
    assert all(len(raw) <= 39 for raw in strings(texts))


@pytest.mark.parametrize(("text", "number"), [("1.5", 1.5), ("1001", 1001.0), ("words", math.nan), ("", math.nan)])
def test_the_number_in_a_text(text: str, number: float) -> None:
    assert number_in(text) == number or math.isnan(number)
