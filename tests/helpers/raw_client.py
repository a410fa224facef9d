"""A CA client that sends any message, also those that libca refuses to send; made of caproto's protocol core and a socket."""

from __future__ import annotations

import itertools
import socket
import struct
from typing import Any

import caproto as ca
from caproto._commands import read_from_bytestream

WRITE, WRITE_NOTIFY = 4, 19


class RawClient:
    """One circuit. Replies are taken in their order; those that were not asked for stay in `waiting`."""

    def __init__(self, port: int, user: str = "tester", host: str = "testhost") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._data = bytearray()
        self._ids = itertools.count(1)
        self.waiting: list[Any] = []
        self._send(ca.VersionRequest(0, 13), ca.HostNameRequest(host), ca.ClientNameRequest(user))

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    def _send(self, *commands: Any) -> None:
        self._socket.sendall(b"".join(bytes(command) for command in commands))

    def send_raw(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def receive(self) -> Any:
        """The next reply. Raises EOFError when the server closed the circuit."""
        while True:
            self._data, command, _ = read_from_bytestream(self._data, ca.SERVER)
            if command is not ca.NEED_DATA:
                return command
            data = self._socket.recv(65536)
            if not data:
                raise EOFError
            self._data += data

    def take(self, kind: type, *others: type) -> Any:
        """The next reply of a kind; those before it go to `waiting`."""
        for index, command in enumerate(self.waiting):
            if isinstance(command, (kind, *others)):
                return self.waiting.pop(index)
        while not isinstance(command := self.receive(), (kind, *others)):
            self.waiting.append(command)
        return command

    def create(self, name: str) -> Any:
        """Make a channel: its CreateChanResponse, with `sid`, `data_type` and `data_count`; or a CreateChFailResponse."""
        self._send(ca.CreateChanRequest(name, next(self._ids), 13))
        return self.take(ca.CreateChanResponse, ca.CreateChFailResponse)

    def clear(self, channel: Any) -> None:
        """Clear a channel."""
        self._send(ca.ClearChannelRequest(channel.sid, channel.cid))

    def read(self, channel: Any, data_type: int, count: int = 0) -> Any:
        """Read as a DBR type; an ErrorResponse if that fails."""
        ioid = next(self._ids)
        self._send(ca.ReadNotifyRequest(data_type, count, channel.sid, ioid))
        return self.take(ca.ReadNotifyResponse, ca.ErrorResponse)

    def subscribe(self, channel: Any, data_type: int, count: int = 0, mask: int = 5) -> int:
        """Subscribe; the updates come as EventAddResponse with this id."""
        number = next(self._ids)
        self._send(ca.EventAddRequest(data_type, count, channel.sid, number, 0, 0, 0, mask))
        return number

    def events(self, on: bool) -> None:
        """Turn the circuit's monitors off and on."""
        self._send(ca.EventsOnRequest() if on else ca.EventsOffRequest())

    def put(self, channel: Any, data_type: int, payload: bytes, count: int | None = None, *, notify: bool = True) -> Any:
        """Write these bytes as a DBR type; with `notify` its WriteNotifyResponse, or an ErrorResponse."""
        size = len(payload)
        padded = payload.ljust(-(-size // 8) * 8, b"\0")
        number = 1 if count is None else count
        command = WRITE_NOTIFY if notify else WRITE
        if len(padded) < 0xFFF0 and number < 0xFFFF:
            header = struct.pack(">HHHHII", command, len(padded), data_type, number, channel.sid, next(self._ids))
        else:
            header = struct.pack(">HHHHII", command, 0xFFFF, data_type, 0, channel.sid, next(self._ids))
            header += struct.pack(">II", len(padded), number)
        self.send_raw(header + padded)
        return self.take(ca.WriteNotifyResponse, ca.ErrorResponse) if notify else None

    def echo(self) -> None:
        """Return when the server has answered an echo: all requests before it have been taken up."""
        self._send(ca.EchoRequest())
        self.take(ca.EchoResponse)
