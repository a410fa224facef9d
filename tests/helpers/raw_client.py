"""A CA client that sends any message, also those that libca refuses to send: caproto's protocol core and a socket."""

from __future__ import annotations

import itertools
import socket
import struct
from typing import Any

import caproto as ca
from caproto._commands import read_from_bytestream

WRITE, WRITE_NOTIFY = 4, 19
STRING = 0


class RawClient:
    """One circuit. Replies are taken in their order; those that were not asked for stay in `waiting`."""

    def __init__(self, port: int, user: str = "tester", host: str = "testhost") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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

    def timeout(self, seconds: float) -> None:
        """Wait no longer than this for a reply: TimeoutError."""
        self._socket.settimeout(seconds)

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

    def _answer(self, kind: type, ioid: int) -> Any:
        """The reply to a request, or the exception for it."""

        def is_it(command: Any) -> bool:
            if isinstance(command, ca.ErrorResponse):
                return bool(command.original_request.parameter2 == ioid)
            return isinstance(command, kind) and command.ioid == ioid

        for index, command in enumerate(self.waiting):
            if is_it(command):
                return self.waiting.pop(index)
        while not is_it(command := self.receive()):
            self.waiting.append(command)
        return command

    def update(self, subscription: int) -> Any:
        """The next update of a subscription."""
        while True:
            update = self.take(ca.EventAddResponse)
            if update.subscriptionid == subscription:
                return update

    def updates(self, settled: Any) -> list[Any]:
        """The updates since the last call: a put of 0 to the channel `settled` completes after all that were posted."""
        assert self.put(settled, STRING, b"0\0").status.success
        updates = [command for command in self.waiting if isinstance(command, ca.EventAddResponse)]
        self.waiting = [command for command in self.waiting if not isinstance(command, ca.EventAddResponse)]
        return updates

    def cancel(self, channel: Any, subscription: int, data_type: int) -> None:
        """End a subscription."""
        self._send(ca.EventCancelRequest(data_type, channel.sid, subscription))

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
        return self._answer(ca.ReadNotifyResponse, ioid)

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
        ioid = next(self._ids)
        command = WRITE_NOTIFY if notify else WRITE
        if len(padded) < 0xFFF0 and number < 0xFFFF:
            header = struct.pack(">HHHHII", command, len(padded), data_type, number, channel.sid, ioid)
        else:
            header = struct.pack(">HHHHII", command, 0xFFFF, data_type, 0, channel.sid, ioid)
            header += struct.pack(">II", len(padded), number)
        self.send_raw(header + padded)
        return self._answer(ca.WriteNotifyResponse, ioid) if notify else None

    def echo(self) -> None:
        """Return when the server has answered an echo: all requests before it have been taken up."""
        self._send(ca.EchoRequest())
        self.take(ca.EchoResponse)
