"""The leanest blocking loop: cffi, ca_array_get for each channel, ca_pend_io; and ca_array_put the same way."""

from __future__ import annotations

import time
from typing import Any

from tests.bench.child import read_names, serve
from tests.bench.libca import PATIENCE, VALUE, ValueBuffer, check, create, lib

DTYPES = ("S40", "<i2", "<f4", "<u2", "u1", "<i4", "<f8")
STRING, ENUM = 0, 3


class Lean:
    """The set of PVs as a C program would hold it: channels and one buffer."""

    def __init__(self) -> None:
        check(lib.ca_context_create(1), "libca")
        self.buffer: ValueBuffer
        self.base: Any = None

    def connect(self, path: str) -> float:
        """Connect all; seconds."""
        names = read_names(path)
        begun = time.perf_counter()
        channels = create(names)
        seconds = time.perf_counter() - begun
        self.buffer = ValueBuffer(channels)
        self._gets = self.buffer.gets()
        return seconds

    def read(self) -> float:
        """Read all; seconds."""
        begun = time.perf_counter()
        statuses = list(map(lib.ca_array_get, *self._gets))
        check(lib.ca_pend_io(PATIENCE), "reading")
        seconds = time.perf_counter() - begun
        if set(statuses) != {1}:
            raise RuntimeError(f"statuses {set(statuses)}")
        return seconds

    def write_and_read(self, step: int) -> float:
        """Write the values that `change` writes, and read them back; seconds."""
        puts = self._changed(step)
        begun = time.perf_counter()
        statuses = list(map(lib.ca_array_put, *puts))
        self.read()
        seconds = time.perf_counter() - begun
        if set(statuses) != {1}:
            raise RuntimeError(f"statuses {set(statuses)}")
        return seconds

    def remember(self) -> None:
        """Take what all hold now as the state that `same` compares with, and that `change` starts from."""
        self.read()
        self.base = self.buffer.data.copy()

    def change(self, step: int) -> None:
        """Give every PV a value that differs from what was remembered; numbers and strings differ with each step."""
        self.write_and_read(step)

    def same(self) -> int:
        """How many PVs hold what was remembered, bit for bit."""
        self.buffer.data[:] = 0
        self.read()
        now, count = self.buffer.data, 0
        begins = (self.buffer.starts + VALUE[self.buffer.native]).tolist()
        for native, begin, end in zip(self.buffer.native.tolist(), begins, self.buffer.ends.tolist(), strict=True):
            left, right = now[begin:end].tobytes(), self.base[begin:end].tobytes()
            # After its closing NUL a string is whatever the server had there.
            count += left.split(b"\0")[0] == right.split(b"\0")[0] if native == STRING else left == right
        return count

    def _changed(self, step: int) -> tuple[list[int], list[int], list[Any], list[Any]]:
        self.buffer.data[:] = self.base
        for row, native in enumerate(self.buffer.native.tolist()):
            values = self.buffer.values(row, DTYPES[native])
            if native == STRING:
                values[0] = b"step %d" % step
            elif native == ENUM:
                values[:] = values ^ 1
            else:
                values += step
        return self.buffer.puts()


if __name__ == "__main__":
    lean = Lean()
    serve({name: getattr(lean, name) for name in ("connect", "read", "write_and_read", "remember", "change", "same")})
