"""Whether a CA server on a port of loopback knows a name: one search over UDP, as any client does."""

from __future__ import annotations

import socket
import struct


def answers(name: str, port: int, timeout: float = 0.2) -> bool:
    """Send one search request and wait for the reply (CA protocol, CA_PROTO_VERSION and CA_PROTO_SEARCH)."""
    payload = name.encode() + b"\0"
    payload = payload.ljust((len(payload) + 7) // 8 * 8, b"\0")
    version = struct.pack(">HHHHII", 0, 0, 0, 13, 0, 0)
    search = struct.pack(">HHHHII", 6, len(payload), 5, 13, 1, 1) + payload
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.sendto(version + search, ("127.0.0.1", port))
        try:
            reply = client.recv(1024)
        except OSError:
            return False
    return reply[-24:-22] == b"\x00\x06" or b"\x00\x06" in reply
