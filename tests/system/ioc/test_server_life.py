"""The server from its start to its end: ports, interfaces, searches, beacons, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from signal import SIGINT, SIGTERM

import pytest

from snapioc.ioc import network
from snapioc.ioc.server import SnapContext, serve
from snapioc.model import SnapError
from tests.helpers.iocs import free_port
from tests.helpers.raw_client import RawClient
from tests.helpers.server import ServerProcess
from tests.helpers.small_ioc import small_ioc

LONG = 5


@asynccontextmanager
async def serving(prefix: str, port: int, interfaces: Sequence[str] = ("127.0.0.1",)) -> AsyncIterator[None]:
    started = asyncio.Event()
    task = asyncio.create_task(serve(small_ioc(prefix).pvdb, port, interfaces, started.set))
    waiting = asyncio.create_task(started.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield
    finally:
        waiting.cancel()
        task.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)


def put_slow(client: RawClient, name: str) -> None:
    """Put what takes a minute, and return when the server is at it."""
    client.put(client.create(name), LONG, struct.pack(">i", 60_000), notify=False)
    client.echo()


def search(name: str, address: str, port: int) -> list[tuple[str, int]]:
    """Who answers a search, and with which TCP port, until nothing has come for a while."""
    payload = name.encode().ljust(len(name) // 8 * 8 + 8, b"\0")
    request = struct.pack(">HHHHII", 0, 0, 0, 13, 0, 0) + struct.pack(">HHHHII", 6, len(payload), 5, 13, 1, 1) + payload
    found = []
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        udp.settimeout(0.5)
        udp.sendto(request, (address, port))
        try:
            while True:
                reply, sender = udp.recvfrom(1024)
                found.append((sender[0], struct.unpack(">HHHHII", reply[16:32])[2]))
        except TimeoutError:
            return found


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_a_signal_ends_it_cleanly_with_clients_and_puts_at_work(number: int) -> None:
    with ServerProcess() as server, RawClient(server.port) as client:
        client.subscribe(client.create(server.pv("HEARTBEAT")), LONG)
        client.put(client.create(server.pv("SLOW")), LONG, struct.pack(">i", 60_000), notify=False)
        client.echo()
        begun = time.monotonic()
        assert server.end(number) == 0
        assert time.monotonic() - begun < 5
        assert "ended" in server.lines
        assert "Traceback" not in server.log


async def test_a_cancelled_server_says_so_and_leaves_nothing_behind(pv_prefix: str) -> None:
    port = free_port()
    for _ in range(2):
        async with serving(pv_prefix, port):
            client = await asyncio.to_thread(RawClient, port)
            with client:
                await asyncio.to_thread(put_slow, client, f"{pv_prefix}SLOW")
                task = asyncio.create_task(serve(small_ioc(pv_prefix).pvdb, free_port(), ["127.0.0.1"]))
                await asyncio.sleep(0.05)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task


async def test_connections_are_set_up_as_a_c_ioc_does(pv_prefix: str) -> None:
    """Without delay, so that completions are not held back, and with a watch for clients whose host has gone."""
    port = free_port()
    context, started = SnapContext(dict(small_ioc(pv_prefix).pvdb), ["127.0.0.1"], port), asyncio.Event()
    task = asyncio.create_task(context.serve(started.set))
    await started.wait()
    with await asyncio.to_thread(RawClient, port) as client:
        await asyncio.to_thread(client.create, f"{pv_prefix}BO")
        (circuit,) = context.circuits
        accepted = circuit.client.writer.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not context.circuits


async def test_it_can_be_started_again_on_its_port_at_once(pv_prefix: str) -> None:
    port = free_port()
    for _ in range(3):
        async with serving(pv_prefix, port):
            assert await asyncio.to_thread(search, f"{pv_prefix}BO", "127.0.0.1", port) == [("127.0.0.1", port)]


async def test_when_the_tcp_port_is_taken_searches_are_answered_with_another(pv_prefix: str) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        async with serving(pv_prefix, port):
            ((_, other),) = await asyncio.to_thread(search, f"{pv_prefix}BO", "127.0.0.1", port)
            assert other != port
            with await asyncio.to_thread(RawClient, other) as client:
                await asyncio.to_thread(client.create, f"{pv_prefix}BO")


async def test_a_port_or_interface_that_cannot_be_had_is_an_error_that_names_it(pv_prefix: str) -> None:
    port = free_port()
    with pytest.raises(SnapError, match=rf"port {port} of 203\.0\.113\.1"):
        await serve(small_ioc(pv_prefix).pvdb, port, ["203.0.113.1"])
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        with pytest.raises(SnapError, match=f"port {port}"):
            await serve(small_ioc(pv_prefix).pvdb, port, ["127.0.0.1"])


async def test_each_interface_answers_for_itself_and_once(pv_prefix: str) -> None:
    port = free_port()
    async with serving(pv_prefix, port, ["127.0.0.1", "127.0.0.2"]):
        for address in ("127.0.0.1", "127.0.0.2"):
            assert await asyncio.to_thread(search, f"{pv_prefix}BO", address, port) == [(address, port)]


async def test_a_broadcast_reaches_a_server_on_one_interface(pv_prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "broadcasts", lambda: [("127.0.0.1", "127.255.255.255")])
    port = free_port()
    async with serving(pv_prefix, port):
        assert await asyncio.to_thread(search, f"{pv_prefix}BO", "127.255.255.255", port) == [("127.0.0.1", port)]


@pytest.mark.parametrize("name", ["NOPE", "BO.NOPE", "BO.VAL$", 'BO.{"nope":1}', "BO.{broken"])
async def test_a_name_that_is_not_served_is_not_answered(pv_prefix: str, name: str) -> None:
    port = free_port()
    async with serving(pv_prefix, port):
        assert await asyncio.to_thread(search, f"{pv_prefix}{name}", "127.0.0.1", port) == []


@pytest.mark.parametrize("junk", [b"", b"x", b"\xff" * 64, struct.pack(">HHHHII", 6, 60000, 5, 13, 1, 1) + b"y"])
async def test_junk_on_the_search_port_does_no_harm(pv_prefix: str, junk: bytes) -> None:
    port = free_port()
    async with serving(pv_prefix, port):
        with socket.socket(type=socket.SOCK_DGRAM) as udp:
            udp.sendto(junk, ("127.0.0.1", port))
        assert await asyncio.to_thread(search, f"{pv_prefix}BO", "127.0.0.1", port) == [("127.0.0.1", port)]


def receive_beacons(udp: socket.socket, count: int) -> list[tuple[int, int, str]]:
    """Port, number and address of the next beacons."""
    beacons = []
    for _ in range(count):
        command, _, _, port, number, address = struct.unpack(">HHHHI4s", udp.recv(1024))
        assert command == 13
        beacons.append((port, number, socket.inet_ntoa(address)))
    return beacons


async def test_beacons_go_where_they_are_wanted_with_the_address_of_the_interface(
    pv_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with socket.socket(type=socket.SOCK_DGRAM) as wanted, socket.socket(type=socket.SOCK_DGRAM) as machine:
        for udp in (wanted, machine):
            udp.bind(("127.0.0.1", 0))
            udp.settimeout(20)
        monkeypatch.setenv("EPICS_CAS_BEACON_ADDR_LIST", f"127.0.0.1:{wanted.getsockname()[1]}")
        monkeypatch.setenv("EPICS_CA_ADDR_LIST", f"127.0.0.1:{machine.getsockname()[1]}")
        async with serving(pv_prefix, port):
            beacons = await asyncio.to_thread(receive_beacons, wanted, 5)
        assert beacons == [(port, number, "127.0.0.1") for number in range(5)]
        machine.setblocking(False)
        with pytest.raises(BlockingIOError):
            machine.recv(1024)


def test_beacons_that_nobody_listens_for_are_no_matter() -> None:
    with ServerProcess(EPICS_CAS_BEACON_ADDR_LIST=f"127.0.0.1:{free_port()}") as server:
        time.sleep(1)
        server.end()
        assert all(line.startswith(("INFO", "serving", "ended")) for line in server.lines), server.log
