"""The kinds of PV: whatever they hold reads as every type, and their fields tell the truth."""

from __future__ import annotations

from typing import Any

import pytest
from caproto import AccessRights, ChannelType, SubscriptionType
from caproto._dbr import _LongStringChannelType
from hypothesis import given, settings
from hypothesis import strategies as st

from snapioc.model import Severity
from tests.helpers.small_ioc import SmallIoc, small_ioc

TYPES = [*ChannelType, *_LongStringChannelType]
TEXT_KINDS = ("lso", "lsi", "stringout", "stringin")


@pytest.fixture
def group() -> SmallIoc:
    return small_ioc("T:")


async def read(pv: Any, data_type: Any) -> Any:
    return await pv.auth_read("host", "user", data_type)


async def as_text(pv: Any) -> str:
    _, data = await read(pv, ChannelType.STRING)
    return bytes(data[0]).decode()


async def reads_as_everything(pv: Any) -> None:
    for data_type in TYPES:
        metadata, data = await read(pv, data_type)
        assert pv.calculate_length(data) >= 1, data_type
        bytes(metadata)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=300), name=st.sampled_from(TEXT_KINDS))
async def test_any_text_reads_as_every_type(text: str, name: str) -> None:
    pv = getattr(small_ioc("T:"), name)
    await pv.post(text)
    await reads_as_everything(pv)


@pytest.mark.parametrize("text", ["\ud800", "\0", "€" * 20_000, "1e999", "-nan", "٣"])
async def test_awkward_texts_read_as_every_type(group: SmallIoc, text: str) -> None:
    await group.lsi.post(text)
    await group.strings.post((text, "", text))
    for pv in (group.lsi, group.strings):
        await reads_as_everything(pv)


@settings(max_examples=60, deadline=None)
@given(number=st.floats())
async def test_any_number_reads_as_every_type(number: float) -> None:
    group = small_ioc("T:")
    await group.ai.post(number)
    await reads_as_everything(group.ai)


@pytest.mark.parametrize(("number", "shown"), [(2**31, 2**31 - 1), (2**40, 2**31 - 1), (-(2**40), -(2**31)), (5, 5)])
async def test_integers_beyond_32_bits_are_shown_as_the_bound(group: SmallIoc, number: int, shown: int) -> None:
    await group.longin.post(number)
    _, data = await read(group.longin, ChannelType.LONG)
    assert data.tolist() == [shown]
    await reads_as_everything(group.longin)


@pytest.mark.parametrize(
    ("name", "value", "shown"), [("ai", 1.26, "1.3"), ("bo", 1, "Save"), ("mbbo", 2, "Third"), ("longin", 7, "7")]
)
async def test_a_value_as_text(group: SmallIoc, name: str, value: float, shown: str) -> None:
    pv = getattr(group, name)
    await pv.post(value)
    assert await as_text(pv) == shown


async def test_a_state_brings_its_severity_and_takes_it_away(group: SmallIoc) -> None:
    for state, severity, status in ((1, 2, 7), (0, 0, 0)):
        await group.mbbi.post(state)
        metadata, _ = await read(group.mbbi, ChannelType.TIME_ENUM)
        assert (metadata.severity, metadata.status) == (severity, status)
        assert await as_text(group.mbbi.get_field("SEVR")) == Severity(severity).name


async def test_alarms_are_not_shared(group: SmallIoc) -> None:
    await group.longin.post(1, Severity.MAJOR)
    others = [pv for pv in group.pvdb.values() if pv is not group.longin]
    assert {await as_text(pv.get_field("SEVR")) for pv in others} == {"NO_ALARM"}


async def test_control_information(group: SmallIoc) -> None:
    metadata, _ = await read(group.ai, ChannelType.CTRL_DOUBLE)
    assert (metadata.units, metadata.precision) == (b"ms", 1)
    assert (metadata.lower_disp_limit, metadata.upper_disp_limit, metadata.upper_ctrl_limit) == (0.0, 100.0, 100.0)
    labels, _ = await read(group.mbbo, ChannelType.GR_ENUM)
    assert labels.enum_strings == (b"Strict", b"Best effort", b"Third")


@pytest.mark.parametrize(
    "name", ["bo", "bi", "mbbo", "mbbi", "longout", "longin", "ai", "lso", "lsi", "stringout", "stringin"]
)
async def test_the_record_type_is_the_one_it_stands_for(group: SmallIoc, name: str) -> None:
    pv = getattr(group, name)
    metadata, _ = await read(pv, ChannelType.CLASS_NAME)
    assert metadata.value == name.encode()
    assert await as_text(pv.get_field("RTYP")) == name


async def test_every_field_reads_as_every_type_and_may_only_be_read(group: SmallIoc) -> None:
    for pv in group.pvdb.values():
        for field in ("NAME", "RTYP", "DESC", "SEVR", "STAT", *pv.field_values()):
            served = pv.get_field(field)
            assert served.check_access("host", "user") == AccessRights.READ
            await reads_as_everything(served)
        assert len(pv.desc) <= 40
        with pytest.raises(KeyError):
            pv.get_field("NOPE")


async def test_a_pv_can_be_written_if_it_has_a_handler(group: SmallIoc) -> None:
    assert AccessRights.WRITE in group.longout.check_access("host", "user")
    assert AccessRights.WRITE not in group.longin.check_access("host", "user")


class Listener:
    """Stands where the server's queue does."""

    def __init__(self) -> None:
        self.flags: list[SubscriptionType] = []

    async def put(self, update: Any) -> None:
        self.flags.append(update.flags)


async def test_only_what_is_new_is_posted_and_as_what_it_is(group: SmallIoc) -> None:
    pv, listener = group.longin, Listener()
    everything = type(
        "Spec", (), {"mask": 15, "channel_filter": type("Filter", (), {"sync": None}), "data_type_name": "LONG"}
    )
    await pv.subscribe(listener, everything, None)
    listener.flags.clear()
    await pv.post(0)
    await pv.post(1)
    await pv.post(1, Severity.MINOR)
    await pv.post(1, Severity.MINOR, force=True)
    value, alarm = SubscriptionType.DBE_VALUE | SubscriptionType.DBE_LOG, SubscriptionType.DBE_ALARM
    assert listener.flags == [value, alarm, value]
