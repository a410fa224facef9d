"""Loopback only: ports that are free, and the environment in which servers and clients keep to 127.0.0.1."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"
"""The only address that anything of the demo listens on."""


def free_port(preferred: int, *, but: int | None = None) -> int:
    """A port that is free on loopback for TCP and UDP alike, as a CA server needs it: the preferred one if it can be had.

    `but` is not given out, even if it is free. Raises OSError if there is none, OverflowError if `preferred` is no port.
    """
    for candidate in (preferred, *([0] * 20)):
        try:
            found = _probe(candidate)
        except OSError:
            continue
        if found != but:
            return found
    raise OSError(f"no port is free for TCP and UDP on {LOOPBACK}")


def _probe(port: int) -> int:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        # As CA servers do: a connection that has just ended keeps nobody from the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        found: int = listener.getsockname()[1]
        stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind((LOOPBACK, found))
        return found


def server_environment(environment: Mapping[str, str], port: int) -> dict[str, str]:
    """The environment with which a CA server serves on this loopback port, and sends its beacons nowhere else.

    The variables are those of the CA Reference Manual; rsrv looks at EPICS_CAS_* first, whatever the user has set.
    """
    return dict(environment) | {
        "EPICS_CA_SERVER_PORT": str(port),
        "EPICS_CAS_SERVER_PORT": str(port),
        "EPICS_CAS_INTF_ADDR_LIST": LOOPBACK,
        "EPICS_CAS_BEACON_ADDR_LIST": LOOPBACK,
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CAS_IGNORE_ADDR_LIST": "",
    }


def client_variables(*ports: int) -> dict[str, str]:
    """The variables with which a client finds the servers on these loopback ports, and asks no one else."""
    return {
        "EPICS_CA_ADDR_LIST": " ".join(f"{LOOPBACK}:{port}" for port in ports),
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_NAME_SERVERS": "",
    }
