"""The server's sockets: answers to searches, and beacons.

Bugs of caproto 1.3.0 that this answers to: every search is answered out of the sockets of all interfaces, so that a client
sees the same PV on two servers, and a reply that one of them cannot send ends the answers of the others; a socket bound to
one interface hears no broadcast; beacons carry the address of the last interface, and each one that nobody listens for is
logged with a traceback.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any

import caproto as ca

ANY = "0.0.0.0"  # noqa: S104 - the wildcard address means all interfaces, which is what a CA server serves by default

FIRST_BEACON_PERIOD = 0.02
"""Seconds after the first beacon; the period doubles up to EPICS_CAS_BEACON_PERIOD (CA protocol, "Beacons")."""

_PROTOCOL = 13

_log = logging.getLogger(__name__)


class SearchResponder(asyncio.DatagramProtocol):
    """Answers the searches that arrive at one socket with the TCP port of the server, through the same socket."""

    def __init__(self, known: Callable[[str], bool], tcp_port: int) -> None:
        self._known, self._tcp_port = known, tcp_port
        self._broadcaster = ca.Broadcaster(our_role=ca.SERVER)
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket over."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer for the names that are ours; whoever serves the others answers for them."""
        try:
            commands = self._broadcaster.recv(data, addr)
            found = [c for c in commands if isinstance(c, ca.SearchRequest) and self._known(c.name)]
        except (ca.CaprotoError, ValueError) as fault:
            _log.debug("a datagram of %s that is no search: %s", addr, fault)
            return
        if found:
            replies = [ca.SearchResponse(self._tcp_port, None, search.cid, _PROTOCOL) for search in found]
            self._transport.sendto(self._broadcaster.send(ca.VersionResponse(_PROTOCOL), *replies), addr)

    def error_received(self, exc: Exception) -> None:
        """A client that we answered is gone: nothing to do."""
        _log.debug("a search reply came back: %s", exc)


def tcp_socket(interface: str, port: int) -> socket.socket:
    """A listening socket on this port, or on another if another server has it. Raises OSError."""
    try:
        return socket.create_server((interface, port))
    except OSError as fault:
        if fault.errno != errno.EADDRINUSE:
            raise
        return socket.create_server((interface, 0))


def udp_socket(address: str, port: int) -> socket.socket:
    """A socket for broadcasts, bound together with those of other servers on this host. Raises OSError."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        for option in ("SO_REUSEADDR", "SO_REUSEPORT", "SO_BROADCAST"):
            if hasattr(socket, option):
                udp.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
        udp.setblocking(False)
        udp.bind((address, port))
    except OSError:
        udp.close()
        raise
    return udp


def search_addresses(interface: str) -> list[str]:
    """What to bind so that searches reach this interface: a socket bound to one address hears no broadcast."""
    return [interface, *(broadcast for address, broadcast in broadcasts() if address == interface)]


def broadcasts() -> list[tuple[str, str]]:
    """Address and broadcast address of each network interface that has both; empty where the system cannot tell."""
    try:
        import fcntl
    except ImportError:
        return []
    get_address, get_broadcast = 0x8915, 0x8919  # SIOCGIFADDR and SIOCGIFBRDADDR of Linux

    def ask(udp: socket.socket, request: int, name: str) -> str:
        answer = fcntl.ioctl(udp, request, struct.pack("256s", name.encode()[:15]))
        return socket.inet_ntoa(answer[20:24])

    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for _, name in socket.if_nameindex():
            try:
                address, broadcast = ask(udp, get_address, name), ask(udp, get_broadcast, name)
            except OSError:
                # An interface that is down, or has no IPv4 address.
                continue
            if broadcast not in (ANY, address):
                found.append((address, broadcast))
    return found


def beacon_addresses(interface: str) -> set[tuple[str, int]]:
    """Where to send the beacons of a server on this interface: EPICS_CAS_BEACON_ADDR_LIST and its own networks.

    EPICS_CAS_AUTO_BEACON_ADDR_LIST=NO leaves the networks out. EPICS_CA_ADDR_LIST does not count: it is where our client
    looks for the machine, not where our own clients are.
    """
    environment = ca.get_environment_variables()
    port = environment["EPICS_CAS_BEACON_PORT"]
    listed = (entry.partition(":") for entry in environment["EPICS_CAS_BEACON_ADDR_LIST"].split())
    addresses = {(address, int(own_port or port)) for address, _, own_port in listed}
    if environment["EPICS_CAS_AUTO_BEACON_ADDR_LIST"].upper() != "NO":
        addresses |= {(address, port) for address in _own_networks(interface)}
    return addresses


def _own_networks(interface: str) -> Iterable[str]:
    if interface.startswith("127."):
        return [interface]
    known = broadcasts()
    if interface == ANY:
        return [broadcast for _, broadcast in known] or ["255.255.255.255"]
    return [broadcast for address, broadcast in known if address == interface]


async def send_beacons(interface: str, tcp_port: int) -> None:
    """Tell for ever that the server is there; a client whose server is new or back finds it sooner by that."""
    longest = ca.get_environment_variables()["EPICS_CAS_BEACON_PERIOD"]
    targets, silent = beacon_addresses(interface), set[tuple[str, int]]()
    period = FIRST_BEACON_PERIOD
    with udp_socket(interface, 0) as udp:
        for number in itertools.count():
            beacon = bytes(ca.Beacon(_PROTOCOL, tcp_port, number % 2**32, interface))
            for target in targets:
                try:
                    udp.sendto(beacon, target)
                    silent.discard(target)
                except OSError as fault:
                    if target not in silent:
                        _log.warning("cannot send beacons to %s:%d: %s", *target, fault)
                    silent.add(target)
            await asyncio.sleep(period)
            period = min(2 * period, longest)
