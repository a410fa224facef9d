"""The traps of caproto 1.3.0 that `snapioc.ioc` cures: each test fails when caproto has cured it and ours can go."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import caproto as ca
import pytest
from caproto._dbr import DbrStringArray
from caproto.asyncio.server import Context
from caproto.asyncio.utils import _create_bound_tcp_socket, _create_udp_socket
from caproto.server import PVGroup, pvproperty

from tests.helpers.bare_caproto import Bare
from tests.helpers.iocs import free_port
from tests.helpers.raw_client import RawClient
from tests.helpers.server import ServerProcess

STRING, CHAR, LONG, DOUBLE, CTRL_STRING, CTRL_DOUBLE, TIME_DOUBLE = 0, 4, 5, 6, 28, 34, 20


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with ServerProcess("bare_caproto.py") as process:
        yield process


@pytest.fixture
def client(server: ServerProcess) -> Iterator[RawClient]:
    with RawClient(server.port) as client:
        yield client


def put(client: RawClient, server: ServerProcess, name: str, number: int, *, notify: bool = True) -> Any:
    return client.put(client.create(server.pv(name)), LONG, struct.pack(">i", number), notify=notify)


def test_alarms_are_shared_by_all_pvs_of_a_group(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "NUMBER", 13)
    assert client.read(client.create(server.pv("MEASURED")), TIME_DOUBLE).metadata.severity == 2


def test_a_refusal_is_logged_as_a_crash(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "NUMBER", 13)
    server.wait_for("Traceback")


def test_an_enum_out_of_range_poisons_the_pv(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "STATE", 9)
    assert isinstance(client.read(client.create(server.pv("STATE")), STRING), ca.ErrorResponse)


def test_a_text_that_latin_1_lacks_poisons_the_pv(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("TEXT"))
    put(client, server, "TELL", 1)
    assert isinstance(client.read(channel, STRING), ca.ErrorResponse)


def test_a_text_read_as_a_number_fails(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("TEXT"))
    client.put(channel, STRING, b"words\0")
    assert isinstance(client.read(channel, DOUBLE), ca.ErrorResponse)


def test_over_long_texts_are_sent_whole_on_a_channel_that_is_shorter(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("CHARACTERS"))
    put(client, server, "TELL", 2)
    assert client.read(channel, CHAR).data_count > channel.data_count


def test_who_has_room_for_more_elements_gets_fewer(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("CHARACTERS"))
    put(client, server, "TELL", 2)
    assert client.read(channel, CHAR, 10_000).data_count < 10_000


def test_integers_beyond_32_bits_wrap(server: ServerProcess, client: RawClient) -> None:
    put(client, server, "WIDE", 1)
    assert client.read(client.create(server.pv("WIDE")), LONG).data[0] == 0


def test_equal_values_are_posted_again(server: ServerProcess, client: RawClient) -> None:
    subscription = client.subscribe(client.create(server.pv("STATE")), STRING)
    client.update(subscription)
    for _ in range(3):
        put(client, server, "STATE", 1)
        assert bytes(client.update(subscription).data[0]) == b"B"


def test_masks_are_ignored(server: ServerProcess, client: RawClient) -> None:
    subscription = client.subscribe(client.create(server.pv("NUMBER")), LONG, mask=8)
    client.update(subscription)
    put(client, server, "NUMBER", 1)
    assert client.update(subscription).data[0] == 1


def test_a_completion_overtakes_the_monitors(server: ServerProcess, client: RawClient) -> None:
    subscription = client.subscribe(client.create(server.pv("NUMBER")), LONG)
    client.update(subscription)
    overtaken = 0
    for number in range(1, 30):
        put(client, server, "RUN", number)
        seen = [update.data[0] for update in client.waiting if isinstance(update, ca.EventAddResponse)]
        overtaken += not seen or seen[-1] != number
        client.waiting.clear()
    assert overtaken


def test_a_frozen_client_stops_the_monitors_of_all() -> None:
    small = {"CAPROTO_MAX_TOTAL_SUBSCRIPTION_BACKLOG": "500", "CAPROTO_MAX_SUBSCRIPTION_BACKLOG": "10000"}
    with (
        ServerProcess("bare_caproto.py", **small) as server,
        RawClient(server.port) as frozen,
        RawClient(server.port) as client,
    ):
        channel = frozen.create(server.pv("MEASURED"))
        first, *_ = [frozen.subscribe(channel, CTRL_DOUBLE) for _ in range(200)]
        frozen.update(first)
        heartbeat = client.subscribe(client.create(server.pv("HEARTBEAT")), LONG)
        put(client, server, "FLOOD", 3000, notify=False)
        client.timeout(2)
        with pytest.raises(TimeoutError):
            while True:
                client.update(heartbeat)


def test_a_failing_startup_hook_ends_the_server() -> None:
    with pytest.raises(RuntimeError, match="a startup hook failed"), ServerProcess("bare_caproto.py", "hook") as server:
        server.wait_for("never")


async def test_a_cancelled_server_returns_as_if_all_were_well(pv_prefix: str) -> None:
    context = Context(Bare(pv_prefix).pvdb, ["127.0.0.1"])
    context.ca_server_port = free_port()
    task = asyncio.create_task(context.run())
    await asyncio.sleep(0.2)
    task.cancel()
    await task


async def test_fields_that_are_asked_for_become_pvs(pv_prefix: str) -> None:
    class Fielded(PVGroup):
        number = pvproperty(value=0, name="NUMBER", record="longin")

    group = Fielded(pv_prefix)
    Context(group.pvdb, ["127.0.0.1"])[f"{pv_prefix}NUMBER.DESC"]
    assert f"{pv_prefix}NUMBER.DESC" in group.pvdb


def test_a_prefix_with_braces_is_formatted() -> None:
    with pytest.raises((KeyError, ValueError, IndexError)):
        Bare("XF:31{Det:1}")


def test_a_subscription_to_more_elements_than_there_are_is_answered_short(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("CHARACTERS"))
    client.put(channel, CHAR, b"abc", 3)
    update = client.update(client.subscribe(channel, CHAR, 10))
    assert update.data_count == 10
    assert update.payload_size < 10


def test_dbr_ctrl_string_comes_with_a_time_stamp(server: ServerProcess, client: RawClient) -> None:
    assert client.read(client.create(server.pv("TEXT")), CTRL_STRING).payload_size == 56


def test_a_cleared_channel_ends_the_monitors_of_its_circuit(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("HEARTBEAT"))
    client.update(client.subscribe(channel, LONG))
    other = client.subscribe(client.create(server.pv("HEARTBEAT")), LONG)
    client.update(other)
    client.clear(channel)
    time.sleep(0.5)
    client.echo()
    client.waiting.clear()
    client.timeout(2)
    with pytest.raises(TimeoutError):
        client.update(other)


def test_a_filter_that_cannot_be_read_is_never_answered(server: ServerProcess, client: RawClient) -> None:
    client.timeout(1)
    with pytest.raises(TimeoutError):
        client.create(server.pv("NUMBER.{broken"))


def test_a_deadband_on_a_text_ends_the_server(server: ServerProcess, client: RawClient) -> None:
    client.subscribe(client.create(server.pv('NUMBER.{"dbnd":{"abs":1}}')), STRING)
    client.echo()
    put(client, server, "NUMBER", 5, notify=False)
    server.wait_for("TypeError")
    assert server.process.wait(timeout=30) != 0


def test_a_channel_that_is_not_there_leaves_the_client_waiting(server: ServerProcess, client: RawClient) -> None:
    client.send_raw(struct.pack(">HHHHII", 15, 0, LONG, 1, 4711, 1))
    client.timeout(1)
    with pytest.raises(TimeoutError):
        client.echo()


def test_the_completion_for_a_cleared_channel_raises(server: ServerProcess, client: RawClient) -> None:
    channel = client.create(server.pv("FLOOD"))
    client.send_raw(struct.pack(">HHHHIIi4x", 19, 8, LONG, 1, channel.sid, 4711, 2000))
    client.clear(channel)
    server.wait_for("never retrieved")


def test_the_element_count_of_a_message_is_believed() -> None:
    assert len(DbrStringArray.frombuffer(b"", 100_000)) == 100_000


async def test_connections_have_the_delay_of_nagle() -> None:
    sockets: asyncio.Queue[Any] = asyncio.Queue()
    port = free_port()
    listening = await _create_bound_tcp_socket("127.0.0.1", port)
    server = await asyncio.start_server(lambda _, writer: sockets.put_nowait(writer), sock=listening)
    async with server:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        accepted = await sockets.get()
        assert not accepted.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        for each in (writer, accepted):
            each.close()
            await each.wait_closed()


async def test_searches_are_answered_out_of_every_interface(pv_prefix: str) -> None:
    port = free_port()
    context = Context(Bare(pv_prefix).pvdb, ["127.0.0.1", "127.0.0.2"])
    context.ca_server_port = port
    task = asyncio.create_task(context.run())
    await asyncio.sleep(0.2)
    loop = asyncio.get_running_loop()
    with _create_udp_socket() as udp:
        udp.bind(("127.0.0.1", 0))
        name = f"{pv_prefix}NUMBER"
        await loop.sock_sendto(
            udp, bytes(ca.VersionRequest(0, 13)) + bytes(ca.SearchRequest(name, 1, 13)), ("127.0.0.1", port)
        )
        senders = {(await asyncio.wait_for(loop.sock_recvfrom(udp, 1024), 20))[1][0] for _ in range(2)}
    task.cancel()
    await task
    assert senders == {"127.0.0.1", "127.0.0.2"}


def test_beacons_that_nobody_listens_for_are_logged_with_a_traceback() -> None:
    with ServerProcess("bare_caproto.py", EPICS_CAS_BEACON_ADDR_LIST=f"127.0.0.1:{free_port()}") as server:
        server.wait_for("Connection refused")
        assert "Traceback" in server.log
