"""Monitors: what is posted to whom, and that a put never completes before the monitors that it caused."""

from __future__ import annotations

import struct
from typing import Any

import caproto as ca
import pytest

from tests.helpers.raw_client import RawClient
from tests.helpers.server import ServerProcess

STRING, ENUM, CHAR, LONG, DOUBLE, TIME_LONG, STSACK_STRING = 0, 3, 4, 5, 6, 19, 37
VALUE, LOG, ALARM, PROPERTY = 1, 2, 4, 8


def put(client: RawClient, server: ServerProcess, name: str, number: int) -> None:
    client.put(client.create(server.pv(name)), LONG, struct.pack(">i", number))


def updates(client: RawClient, server: ServerProcess) -> list[Any]:
    return client.updates(client.create(server.pv("BO")))


def numbers(updates: list[Any]) -> list[int]:
    return [update.data[0] for update in updates]


def test_a_put_completes_after_the_monitors_that_it_caused(server: ServerProcess, client: RawClient) -> None:
    run = client.create(server.pv("RUN"))
    watched = [client.subscribe(client.create(server.pv(name)), LONG) for name in ("LONGIN", "RUN")]
    watched.append(client.subscribe(client.create(server.pv("LSI.VAL$")), CHAR))
    updates(client, server)
    for number in (n % 20 + 1 for n in range(300)):
        assert client.put(run, LONG, struct.pack(">i", number)).status.success
        last = {update.subscriptionid: update.data for update in client.waiting if isinstance(update, ca.EventAddResponse)}
        assert last[watched[0]][0] == last[watched[1]][0] == number
        assert bytes(last[watched[2]]).split(b"\0")[0] == b"%d of %d" % (number, number)
        client.waiting.clear()


def test_every_step_of_an_operation_is_posted_in_its_order(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "LONGOUT", -5)
    subscription = client.subscribe(client.create(server.pv("LONGIN")), LONG)
    client.update(subscription)
    put(client, server, "RUN", 50)
    assert numbers(updates(client, server)) == list(range(51))


def test_equal_values_are_not_posted_again(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "LONGOUT", 1)
    client.subscribe(client.create(server.pv("LONGIN")), LONG)
    updates(client, server)
    for number in (1, 1, 2, 2, 2, 1):
        put(client, server, "LONGOUT", number)
    assert numbers(updates(client, server)) == [2, 1]


def test_a_mask_is_respected(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "MBBO", 0)
    masks = {mask: client.subscribe(client.create(server.pv("MBBI")), ENUM, mask=mask) for mask in (VALUE, ALARM, PROPERTY)}
    count = client.create(server.pv("LONGIN"))
    plain = {mask: client.subscribe(count, LONG, mask=mask) for mask in (LOG, ALARM, PROPERTY)}
    updates(client, server)
    put(client, server, "MBBO", 1)
    put(client, server, "LONGOUT", 4711)
    heard = [update.subscriptionid for update in updates(client, server)]
    assert sorted(heard) == sorted([masks[VALUE], masks[ALARM], plain[LOG]])


def test_severity_and_status_are_posted_as_fields_and_with_the_value(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "MBBO", 0)
    timed = client.subscribe(client.create(server.pv("MBBI")), 17)
    fields = [client.subscribe(client.create(server.pv(f"MBBI.{field}")), STRING) for field in ("SEVR", "STAT")]
    updates(client, server)
    put(client, server, "MBBO", 1)
    heard = {update.subscriptionid: update for update in updates(client, server)}
    assert (heard[timed].metadata.severity, heard[timed].metadata.status) == (2, 7)
    assert [bytes(heard[field].data[0]) for field in fields] == [b"MAJOR", b"STATE"]


@pytest.mark.parametrize(("name", "data_type", "size"), [("LSI.VAL$", CHAR, 16_001), ("STRINGS", STRING, 64 * 40)])
def test_a_subscription_to_all_elements_is_filled_up(
    server: ServerProcess, client: RawClient, name: str, data_type: int, size: int
) -> None:
    channel = client.create(server.pv(name))
    update = client.update(client.subscribe(channel, data_type, channel.data_count))
    assert update.data_count == channel.data_count
    assert update.payload_size >= size


def test_an_empty_text_is_an_update_and_not_the_end_of_the_subscription(server: ServerProcess, client: RawClient) -> None:
    text = client.create(server.pv("LSO"))
    client.put(text, STRING, b"full\0")
    subscription = client.subscribe(client.create(server.pv("LSI.VAL$")), CHAR)
    client.update(subscription)
    client.put(text, STRING, b"\0")
    assert client.update(subscription).payload_size > 0


def test_alarm_handlers_can_subscribe_as_they_do(server: ServerProcess, client: RawClient) -> None:
    update = client.update(client.subscribe(client.create(server.pv("BI")), STSACK_STRING, 1))
    assert update.metadata.severity == 0


def test_a_deadband_is_kept_whatever_type_it_is_read_as(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "LONGOUT", 0)
    channel = client.create(server.pv('LONGIN.{"dbnd":{"abs":10}}'))
    for data_type in (LONG, STRING, DOUBLE):
        client.subscribe(channel, data_type)
    updates(client, server)
    for number in (5, 10, 11, 15, 22):
        put(client, server, "LONGOUT", number)
    heard = [update.data[0] for update in updates(client, server)]
    assert [float(value) for value in heard] == [11] * 3 + [22] * 3
    assert "Traceback" not in server.log


def test_a_time_stamp_filter_and_a_slice_work(server: ServerProcess, client: RawClient) -> None:
    stamped = client.create(server.pv('LONGIN.{"ts":{}}'))
    assert client.read(stamped, TIME_LONG).metadata.timestamp > 1.7e9
    client.put(client.create(server.pv("STRINGOUT")), STRING, b"a,b,c,d\0")
    assert [bytes(s) for s in client.read(client.create(server.pv("STRINGS.[1:2]")), STRING).data] == [b"b", b"c"]


@pytest.mark.parametrize(
    "name", ["LONGIN.NOPE", "LONGIN.VAL$", 'LONGIN.{"nope":1}', "LONGIN.{broken", "STRINGS.VAL$", "NOPE"]
)
def test_names_that_cannot_be_served_are_not_found(server: ServerProcess, client: RawClient, name: str) -> None:
    assert isinstance(client.create(server.pv(name)), ca.CreateChFailResponse)


def test_a_cleared_channel_ends_its_subscriptions_and_no_others(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "LONGOUT", 0)
    channel = client.create(server.pv("LONGIN"))
    client.subscribe(channel, LONG)
    other = client.subscribe(client.create(server.pv("LONGIN")), LONG)
    updates(client, server)
    client.clear(channel)
    client.take(ca.ClearChannelResponse)
    put(client, server, "LONGOUT", 1)
    put(client, server, "LONGOUT", 2)
    assert [(u.subscriptionid, u.data[0]) for u in updates(client, server)] == [(other, 1), (other, 2)]


def test_a_cancelled_subscription_is_silent(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("LONGIN"))
    subscription = client.subscribe(channel, LONG)
    client.update(subscription)
    client.cancel(channel, subscription, LONG)
    updates(client, server)
    put(client, server, "LONGOUT", 99)
    put(client, server, "LONGOUT", 100)
    assert updates(client, server) == []


def test_a_client_that_turns_events_off_and_on_learns_the_present_value(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "LONGOUT", 0)
    client.subscribe(client.create(server.pv("LONGIN")), LONG)
    updates(client, server)
    client.events(on=False)
    with RawClient(server.port) as other:
        for number in range(1, 30):
            put(other, server, "LONGOUT", number)
    assert updates(client, server) == []
    client.events(on=True)
    assert numbers(updates(client, server))[-1] == 29


def test_a_breach_of_the_protocol_closes_that_circuit_only(server: ServerProcess, client: RawClient) -> None:
    unknown_channel = struct.pack(">HHHHII", 15, 0, LONG, 1, 4711, 1)
    for message in (unknown_channel, b"GET / HTTP/1.1\r\n\r\n" * 2000):
        with RawClient(server.port) as bad:
            bad.send_raw(message)
            with pytest.raises((EOFError, ConnectionError)):
                while True:
                    bad.receive()
    client.echo()
