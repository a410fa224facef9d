"""A client that is frozen, as by SIGSTOP: the others do not feel it, and it learns the truth when it thaws."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

import caproto as ca
import psutil

from tests.helpers.clients import client_environment
from tests.helpers.raw_client import RawClient
from tests.helpers.server import ServerProcess

STRING, CHAR, LONG = 0, 4, 5
ROUNDS = 12_000
MEGABYTE = 2**20


def flood(client: RawClient, server: ServerProcess) -> None:
    """More updates than may wait for one client, and 190 MB of texts among them."""
    assert client.put(client.create(server.pv("FLOOD")), LONG, struct.pack(">i", ROUNDS)).status.success


def test_a_client_that_does_not_read_costs_little_memory_and_learns_the_last_values(server: ServerProcess) -> None:
    process = psutil.Process(server.process.pid)
    with RawClient(server.port) as frozen, RawClient(server.port) as client:
        text = frozen.subscribe(frozen.create(server.pv("LSI.VAL$")), CHAR)
        count = frozen.subscribe(frozen.create(server.pv("LONGIN")), LONG)
        once = frozen.subscribe(frozen.create(server.pv("LONGOUT")), LONG)
        frozen.update(once)
        before = process.memory_info().rss
        flood(client, server)
        assert process.memory_info().rss - before < 60 * MEGABYTE
        last: dict[int, bytes] = {}
        while (last.get(text), last.get(count), last.get(once)) != (b"the end", b"-1", b"%d" % ROUNDS):
            update = frozen.take(ca.EventAddResponse)
            last[update.subscriptionid] = shown(update)


def test_a_stopped_monitor_stops_nobody_elses_monitors(server: ServerProcess) -> None:
    monitor = Path(sys.executable).with_name("caproto-monitor")
    names = [server.pv("LSI.VAL$"), server.pv("LONGIN"), server.pv("HEARTBEAT")]
    command = [str(monitor), "--no-repeater", *names]
    with (
        subprocess.Popen(command, env=client_environment([server.address]), stdout=subprocess.PIPE, text=True) as stopped,
        RawClient(server.port) as client,
    ):
        try:
            assert stopped.stdout
            stopped.stdout.readline()
            stopped.send_signal(SIGSTOP)
            heartbeat = client.subscribe(client.create(server.pv("HEARTBEAT")), LONG)
            flood(client, server)
            client.updates(client.create(server.pv("BO")))
            last = client.update(heartbeat).data[0]
            for _ in range(10):
                assert client.update(heartbeat).data[0] == (last := last + 1)
            stopped.send_signal(SIGCONT)
        finally:
            stopped.kill()
    assert client_count(server) == 0


def shown(update: Any) -> bytes:
    return bytes(update.data).split(b"\0")[0] if update.data_type == CHAR else b"%d" % update.data[0]


def client_count(server: ServerProcess) -> int:
    """The circuits that the server still has, once it has noticed that all are gone."""
    deadline = time.monotonic() + 20
    while (count := established(server)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return count


def established(server: ServerProcess) -> int:
    connections = psutil.Process(server.process.pid).net_connections("tcp")
    return sum(connection.status != psutil.CONN_LISTEN for connection in connections)
