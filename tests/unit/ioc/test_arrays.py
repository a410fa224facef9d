"""Arrays that we serve: whatever they hold, also nothing, reads as every type."""

from __future__ import annotations

import math
from typing import Any

import pytest
from caproto import ChannelType
from hypothesis import given, settings
from hypothesis import strategies as st

from snapioc.ioc.circuit import read_count
from tests.helpers.small_ioc import SmallIoc, small_ioc

from .test_pv_kinds import TYPES, as_text, read

ARRAYS = ("longs", "doubles", "strings")


@pytest.fixture
def group() -> SmallIoc:
    return small_ioc("T:")


async def lengths(pv: Any) -> set[int]:
    """How many elements it has, read as every type; long texts and what has no value apart."""
    seen = set()
    for data_type in TYPES:
        metadata, data = await read(pv, data_type)
        bytes(metadata)
        if not (isinstance(data, bytes) or ChannelType(int(data_type)).name.startswith(("PUT_", "STSACK", "CLASS"))):
            seen.add(pv.calculate_length(data))
    return seen


@pytest.mark.parametrize("name", ARRAYS)
async def test_an_empty_array_reads_as_every_type_with_no_element(group: SmallIoc, name: str) -> None:
    pv = getattr(group, name)
    await pv.post(())
    assert await lengths(pv) == {0}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize(("wanted", "got"), [(0, 0), (1, 1), (5, 5), (1000, 100)])
async def test_who_wants_more_gets_the_rest_empty(group: SmallIoc, name: str, wanted: int, got: int) -> None:
    pv = getattr(group, name)
    await pv.post(())
    token = read_count.set(wanted)
    assert await lengths(pv) == {min(got, pv.max_length)}
    read_count.reset(token)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.floats() | st.just(math.nan), max_size=8))
async def test_any_numbers_read_as_every_type(values: list[float]) -> None:
    group = small_ioc("T:")
    await group.doubles.post(values)
    assert await lengths(group.doubles) == {len(values)}
    _, data = await read(group.doubles, ChannelType.DOUBLE)
    assert all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(data.tolist(), values, strict=True))


async def test_integers_are_integers(group: SmallIoc) -> None:
    await group.longs.post((1001, 2**40, -(2**40)))
    _, data = await read(group.longs, ChannelType.LONG)
    assert data.tolist() == [1001, 2**31 - 1, -(2**31)]


async def test_numbers_as_texts_are_whole(group: SmallIoc) -> None:
    await group.doubles.post((1763711611.123, math.nan, -1.7976931348623157e308))
    _, data = await read(group.doubles, ChannelType.STRING)
    assert [bytes(each).decode() for each in data] == ["1763711611.123", "nan", "-1.7976931348623157e+308"]


async def test_what_is_too_long_is_cut(group: SmallIoc) -> None:
    await group.longs.post(range(200))
    assert len(group.longs.value) == group.longs.max_length == 100


async def test_not_a_number_again_is_nothing_new(group: SmallIoc) -> None:
    await group.doubles.post((1.0, math.nan))
    before = group.doubles.value
    await group.doubles.post((1.0, math.nan))
    assert group.doubles.value is before


@pytest.mark.parametrize("name", ARRAYS)
async def test_arrays_are_waveforms_and_read_only(group: SmallIoc, name: str) -> None:
    pv = getattr(group, name)
    assert await as_text(pv.get_field("RTYP")) == "waveform"
    assert pv.handler is None
