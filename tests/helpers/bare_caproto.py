"""caproto's own server with caproto's own kinds of PV: `python bare_caproto.py PREFIX PORT [hook]`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import caproto as ca
from caproto.asyncio.server import Context
from caproto.server import PVGroup, pvproperty


class Bare(PVGroup):
    number = pvproperty(value=0, name="NUMBER")
    measured = pvproperty(value=0.0, name="MEASURED")
    state = pvproperty(value="A", dtype=ca.ChannelType.ENUM, enum_strings=["A", "B"], name="STATE")
    text = pvproperty(value="", dtype=ca.ChannelType.STRING, name="TEXT")
    characters = pvproperty(value="", max_length=10, name="CHARACTERS")
    wide = pvproperty(value=0, name="WIDE")
    run = pvproperty(value=0, name="RUN")
    flood = pvproperty(value=0, name="FLOOD")
    tell = pvproperty(value=0, name="TELL")
    heartbeat = pvproperty(value=0, name="HEARTBEAT")

    @number.putter
    async def number(self, instance: Any, value: int) -> int:
        if value == 13:
            raise ValueError("refused")
        return value

    @wide.putter
    async def wide(self, instance: Any, value: int) -> int:
        return 2**40

    @tell.putter
    async def tell(self, instance: Any, value: int) -> int:
        await (self.text.write("€") if value == 1 else self.characters.write("x" * 50))
        return value

    @run.putter
    async def run(self, instance: Any, value: int) -> int:
        await asyncio.sleep(0)
        for number in range(value + 1):
            await self.number.write(number, verify_value=False)
        return value

    @flood.putter
    async def flood(self, instance: Any, value: int) -> int:
        for number in range(value):
            await self.measured.write(number)
            if number % 20 == 0:
                await asyncio.sleep(0)
        return value


class Hooked(Bare):
    extra = pvproperty(value=0, name="EXTRA")

    @extra.startup
    async def extra(self, instance: Any, library: Any) -> None:
        raise RuntimeError("a startup hook failed")


async def main(prefix: str, port: int, hook: bool) -> None:
    group = (Hooked if hook else Bare)(prefix)
    context = Context(group.pvdb, ["127.0.0.1"])
    context.ca_server_port = port

    async def started(_: Any) -> None:
        print("serving", flush=True)
        while True:
            await asyncio.sleep(0.1)
            await group.heartbeat.write(group.heartbeat.value + 1)

    await context.run(startup_hook=started)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), "hook" in sys.argv))
