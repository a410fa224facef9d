"""Puts: what is taken, what is refused and how the client learns of it, in which order, and who it was."""

from __future__ import annotations

import struct
import time
from typing import Any

import caproto as ca
import pytest

from tests.helpers.raw_client import RawClient
from tests.helpers.server import ServerProcess

STRING, SHORT, ENUM, CHAR, LONG, DOUBLE = 0, 1, 3, 4, 5, 6
PUTFAIL = 160


def value(client: RawClient, name: str, data_type: int = STRING) -> Any:
    reply = client.read(client.create(name), data_type)
    return bytes(reply.data[0]).decode() if data_type == STRING else reply.data[0]


def text(client: RawClient, name: str) -> str:
    return bytes(client.read(client.create(f"{name}.VAL$"), CHAR).data).split(b"\0")[0].decode()


def status(reply: Any) -> int:
    return int(reply.status.code_with_severity)


def test_a_refused_put_fails_and_leaves_one_line_in_the_log(server: ServerProcess, client: RawClient) -> None:
    reply = client.put(client.create(server.pv("REFUSE")), LONG, struct.pack(">i", 7))
    assert status(reply) == PUTFAIL
    line = server.wait_for("not today")
    assert "tester@testhost" in line
    assert server.pv("REFUSE") in line
    assert "Traceback" not in server.log


def test_a_refused_put_raises_no_alarm_on_any_pv(server: ServerProcess, client: RawClient) -> None:
    client.put(client.create(server.pv("REFUSE")), LONG, struct.pack(">i", 7))
    client.put(client.create(server.pv("LONGOUT")), STRING, b"no number\0")
    for name in ("REFUSE", "LONGOUT", "LONGIN", "BO", "LSO"):
        assert value(client, server.pv(f"{name}.SEVR")) == "NO_ALARM"


def test_a_plain_put_that_is_refused_is_answered_with_the_reason(server: ServerProcess, client: RawClient) -> None:
    client.put(client.create(server.pv("REFUSE")), LONG, struct.pack(">i", 7), notify=False)
    answer = client.take(ca.ErrorResponse)
    assert status(answer) == PUTFAIL
    assert b"not today" in bytes(answer.error_message)


def test_an_operation_that_fails_fails_only_the_put_that_waits_for_it(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("FAIL"))
    assert status(client.put(channel, LONG, struct.pack(">i", 7))) == PUTFAIL
    client.put(channel, LONG, struct.pack(">i", 7), notify=False)
    client.put(channel, LONG, struct.pack(">i", 7))
    assert not [reply for reply in client.waiting if isinstance(reply, ca.ErrorResponse)]


def test_a_pv_without_a_handler_is_read_only_and_says_so(server: ServerProcess, client: RawClient) -> None:
    for name in ("LONGIN", "LSI", "BI", "BO.DESC", "BO.SEVR", "LONGOUT.HOPR"):
        channel = client.create(server.pv(name))
        rights = client.take(ca.AccessRightsResponse)
        assert rights.access_rights == ca.AccessRights.READ, name
        before = value(client, server.pv(name))
        assert status(client.put(channel, STRING, b"1\0")) == PUTFAIL
        assert value(client, server.pv(name)) == before
    assert "Traceback" not in server.log


@pytest.mark.parametrize(("data_type", "payload"), [(LONG, struct.pack(">i", 1)), (STRING, b"1\0"), (STRING, b"SAVE\0")])
def test_a_button_takes_its_number_and_its_label(
    server: ServerProcess, client: RawClient, data_type: int, payload: bytes
) -> None:
    channel = client.create(server.pv("BO"))
    assert status(client.put(channel, STRING, b"Idle\0")) == 1
    assert value(client, server.pv("BO"), SHORT) == 0
    assert status(client.put(channel, data_type, payload)) == 1
    assert value(client, server.pv("BO"), SHORT) == 1


@pytest.mark.parametrize("number", [2, 9, 255, 65535])
def test_a_state_that_is_not_there_is_refused_as_any_number_type(
    server: ServerProcess, client: RawClient, number: int
) -> None:
    channel = client.create(server.pv("BO"))
    for data_type, form in ((ENUM, ">H"), (LONG, ">i"), (DOUBLE, ">d")):
        assert status(client.put(channel, data_type, struct.pack(form, number))) == PUTFAIL
    assert value(client, server.pv("BO")) in ("Idle", "Save")


@pytest.mark.parametrize("payload", [b"caf\xe9\0", "café\0".encode(), "€uro\0".encode()])
def test_a_text_in_latin_1_or_utf_8_reads_back_as_the_same_text(
    server: ServerProcess, client: RawClient, payload: bytes
) -> None:
    assert status(client.put(client.create(server.pv("LSO")), STRING, payload)) == 1
    expected = payload[:-1].decode("latin-1" if payload == b"caf\xe9\0" else "utf-8")
    assert value(client, server.pv("LSO")) == text(client, server.pv("LSO")) == expected


def test_a_long_text_is_whole_on_one_name_and_cut_between_characters_on_the_other(
    server: ServerProcess, client: RawClient
) -> None:
    whole = "é" * 8000
    assert status(client.put(client.create(server.pv("LSO.VAL$")), CHAR, whole.encode() + b"\0", 16_001)) == 1
    assert text(client, server.pv("LSO")) == whole
    assert value(client, server.pv("LSO")) == "é" * 19
    too_long = client.put(client.create(server.pv("LSO.VAL$")), CHAR, b"x" * 16_001, 16_001)
    assert status(too_long) == PUTFAIL
    assert text(client, server.pv("LSO")) == whole


@pytest.mark.parametrize("name", ["LSO", "LSO.VAL$"])
@pytest.mark.parametrize(
    ("data_type", "payload", "count", "expected"),
    [
        (STRING, b"short\0", 1, "short"),
        (STRING, b"\0", 1, ""),
        (CHAR, b"characters\0\0\0", 13, "characters"),
        (CHAR, b"", 0, ""),
        (LONG, struct.pack(">3i", 65, 66, 0), 3, "AB"),
        (SHORT, struct.pack(">2h", 65, 233), 2, "Aé"),
    ],
)
def test_a_text_takes_strings_and_characters_on_either_name(
    server: ServerProcess, client: RawClient, name: str, data_type: int, payload: bytes, count: int, expected: str
) -> None:
    client.put(client.create(server.pv("LSO")), STRING, b"before\0")
    assert status(client.put(client.create(server.pv(name)), data_type, payload, count)) == 1
    assert text(client, server.pv("LSO")) == expected


def test_a_string_that_was_probably_cut_is_refused_where_it_matters(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("FILTER"))
    assert status(client.put(channel, STRING, b"x" * 39 + b"\0")) == PUTFAIL
    assert status(client.put(channel, STRING, b"x" * 38 + b"\0\0")) == 1
    assert status(client.put(client.create(server.pv("FILTER.VAL$")), CHAR, b"x" * 39, 39)) == 1


@pytest.mark.parametrize(
    ("data_type", "size", "count"), [(STRING, 80, 2**31), (LONG, 8, 2**32 - 1), (LONG, 8, 3), (37, 48, 1), (38, 40, 1)]
)
def test_a_message_that_is_no_put_is_refused_before_it_is_taken_apart(
    server: ServerProcess, client: RawClient, data_type: int, size: int, count: int
) -> None:
    for name in ("LSO", "LONGOUT", "LSO.DESC"):
        assert status(client.put(client.create(server.pv(name)), data_type, bytes(size), count)) == PUTFAIL
    assert "Traceback" not in server.log


def test_integers_beyond_32_bits_are_refused_not_wrapped(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("LONGOUT"))
    client.put(channel, LONG, struct.pack(">i", 5))
    for data_type, payload in (
        (DOUBLE, struct.pack(">d", 2.0**40)),
        (STRING, b"4294967296\0"),
        (DOUBLE, struct.pack(">d", 1.5)),
    ):
        assert status(client.put(channel, data_type, payload)) == PUTFAIL
    assert value(client, server.pv("LONGOUT"), LONG) == 5


def test_a_defect_in_a_handler_fails_the_put_and_nothing_else(server: ServerProcess) -> None:
    with ServerProcess() as own, RawClient(own.port) as client:
        for number in (0, 1):
            assert status(client.put(client.create(own.pv("CRASH")), LONG, struct.pack(">i", number))) == PUTFAIL
        assert status(client.put(client.create(own.pv("LONGOUT")), LONG, struct.pack(">i", 5))) == 1
        assert value(client, own.pv("LONGOUT"), LONG) == 5
        assert "Traceback" in own.log


def test_the_handler_learns_who_puts_and_whether_the_client_waits(server: ServerProcess) -> None:
    with RawClient(server.port, user="anna", host="panel7") as client:
        channel = client.create(server.pv("STRINGOUT"))
        client.put(channel, STRING, b"a\0")
        assert text(client, server.pv("ORIGIN")) == "anna@panel7 waits=True"
        client.put(channel, STRING, b"b\0", notify=False)
        assert text(client, server.pv("ORIGIN")) == "anna@panel7 waits=False"


def test_puts_of_one_client_take_effect_in_their_order(server: ServerProcess, client: RawClient) -> None:
    channel, copy = client.create(server.pv("LONGOUT")), client.create(server.pv("LONGIN"))
    for number in range(300):
        client.put(channel, LONG, struct.pack(">i", number), notify=False)
        assert client.read(copy, LONG).data[0] == number


def test_a_slow_put_holds_up_nobody_else(server: ServerProcess, client: RawClient) -> None:
    slow, quick = client.create(server.pv("SLOW")), client.create(server.pv("LONGOUT"))
    client.put(slow, LONG, struct.pack(">i", 20_000), notify=False)
    begun = time.monotonic()
    assert status(client.put(quick, LONG, struct.pack(">i", 8))) == 1
    assert client.read(slow, LONG).data[0] != 20_000
    assert time.monotonic() - begun < 10


def test_a_client_that_goes_away_does_not_stop_its_put(server: ServerProcess, client: RawClient) -> None:
    with RawClient(server.port) as other:
        other.put(other.create(server.pv("SLOW")), LONG, struct.pack(">i", 300), notify=False)
        other.echo()
    channel = client.create(server.pv("SLOW"))
    deadline = time.monotonic() + 30
    while client.read(channel, LONG).data[0] != 300:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_channel_cleared_during_its_put_leaves_the_circuit_whole(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("SLOW"))
    client.put(channel, LONG, struct.pack(">i", 100), notify=False)
    client.send_raw(struct.pack(">HHHHIIi4x", 19, 8, LONG, 1, channel.sid, 4711, 110))
    client.clear(channel)
    again = client.create(server.pv("SLOW"))
    deadline = time.monotonic() + 30
    while client.read(again, LONG).data[0] != 110:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    client.echo()
    assert "never retrieved" not in server.log
    assert "Traceback" not in server.log
