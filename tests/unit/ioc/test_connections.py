"""The connections are asked for when something happened, and not otherwise."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from snapioc.ioc import connections
from snapioc.ioc.connections import ConnectionsView, ServerPvs
from snapioc.ioc.consoles import MainPvs
from snapioc.model import HostState, Reason, SnapError
from tests.unit.operations.machine import Machine

WELL = HostState("ioc-1:5064", 3, 3, 0.4, hung=False)
LAME = HostState("ioc-2:5064", 9, 2, 1.0, hung=False)
HUNG = HostState("ioc-3:5064", 1, 1, 12.0, hung=True)


class Shown:
    """The view on a machine, and what its PVs are."""

    def __init__(self, *servers: HostState) -> None:
        self.machine = Machine()
        self.machine.channels.servers = servers
        self.pvs, self.servers = MainPvs("S:", self.machine.console), ServerPvs("S:")
        self.view = ConnectionsView(self.machine.plant, self.pvs, self.servers)
        self.calls: Counter[str] = Counter()
        self.machine.channels.hook = lambda call: self.calls.update([call])

    def counts(self) -> tuple[int, int, int, str]:
        pvs = self.pvs
        return pvs.pvs_total.value, pvs.pvs_connected.value, pvs.pvs_disconnected.value, pvs.disconnected.value


async def test_only_a_change_is_looked_into() -> None:
    shown = Shown()
    await shown.view.start()
    assert shown.counts() == (4, 4, 0, "")
    for _ in range(5):
        await shown.view.look()
        await shown.view.look_at_servers()
    assert shown.calls == {"connection_changes": 12, "disconnected": 1, "hosts": 1}
    shown.machine.channels.happens("A:2", "A:3", reason=Reason.DISCONNECTED)
    await shown.view.look()
    assert shown.counts() == (4, 2, 2, "A:2\nA:3")
    shown.machine.channels.happens("A:2", reason=Reason.OK)
    await shown.view.look()
    assert shown.counts() == (4, 3, 1, "A:3")


async def test_what_happens_while_it_is_looked_into_is_not_forgotten() -> None:
    shown = Shown()
    await shown.view.start()
    shown.machine.channels.happens("A:2", reason=Reason.DISCONNECTED)

    def meanwhile(call: str) -> None:
        if call == "disconnected":
            shown.machine.channels.hook = lambda call: None
            shown.machine.channels.changes += 1

    shown.machine.channels.hook = meanwhile
    await shown.view.look()
    shown.machine.pvs["A:3"].reason = Reason.DISCONNECTED
    await shown.view.look()
    assert shown.counts() == (4, 2, 2, "A:2\nA:3")


async def test_a_blocked_client_leaves_what_was_known_and_is_asked_again() -> None:
    shown = Shown(WELL)
    await shown.view.start()
    shown.machine.channels.happens("A:2", reason=Reason.DISCONNECTED)

    def fail(call: str) -> None:
        if call in ("disconnected", "hosts"):
            raise SnapError("blocked")

    shown.machine.channels.hook = fail
    await shown.view.look()
    await shown.view.look_at_servers()
    assert shown.counts() == (4, 4, 0, "")
    shown.machine.channels.hook = lambda call: None
    await shown.view.look()
    assert shown.counts() == (4, 3, 1, "A:2")


async def test_the_servers_stand_in_order_of_trouble() -> None:
    shown = Shown(WELL, LAME, HUNG)
    await shown.view.start()
    assert shown.servers.iocs.value.splitlines() == [
        "ioc-3:5064\t1\t1\t12\thung",
        "ioc-2:5064\t9\t2\t1",
        "ioc-1:5064\t3\t3\t0",
    ]
    assert (shown.servers.iocs_hung.value, int(shown.servers.iocs_hung.alarm.severity)) == (1, 2)
    shown.machine.channels.servers = (WELL, replace(HUNG, hung=False))
    shown.machine.channels.changes += 1
    await shown.view.look_at_servers()
    assert (shown.servers.iocs_hung.value, int(shown.servers.iocs_hung.alarm.severity)) == (0, 0)


async def test_seconds_alone_are_shown_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(connections.time, "monotonic", lambda: now)
    shown = Shown(WELL)
    await shown.view.start()
    shown.machine.channels.servers = (replace(WELL, silent=9.0),)
    now = 1009.0
    await shown.view.look_at_servers()
    assert shown.servers.iocs.value == "ioc-1:5064\t3\t3\t0"
    now = 1010.5
    await shown.view.look_at_servers()
    assert shown.servers.iocs.value == "ioc-1:5064\t3\t3\t9"


@pytest.mark.parametrize("server", [replace(WELL, silent=3.0), replace(WELL, connected=2), replace(WELL, hung=True)])
async def test_while_a_server_is_in_trouble_it_is_looked_at_each_time(server: HostState) -> None:
    shown = Shown(WELL)
    await shown.view.start()
    shown.machine.channels.servers = (server,)
    shown.machine.channels.changes += 1
    await shown.view.look_at_servers()
    for silent in (4.0, 5.0):
        shown.machine.channels.servers = (replace(server, silent=silent),)
        await shown.view.look_at_servers()
        assert shown.servers.iocs.value.split("\t")[3] == f"{silent:.0f}"
    shown.machine.channels.servers = (WELL,)
    await shown.view.look_at_servers()
    shown.machine.channels.servers = (replace(WELL, silent=1.0),)
    await shown.view.look_at_servers()
    assert shown.servers.iocs.value == "ioc-1:5064\t3\t3\t0"
