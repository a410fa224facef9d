"""A small IOC of our kinds of PV, in a process of its own: `python small_ioc.py PREFIX PORT`. Prints "serving" when it does.

Every writable PV shows what was put to it; a few commands do more, for the tests of the server.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import Any

from snapioc.ioc.arrays import DoubleArrayPv, LongArrayPv, StringArrayPv
from snapioc.ioc.circuit import Put
from snapioc.ioc.kinds import AnalogPv, BinaryPv, EnumPv, FilterPv, LongPv, StringPv, TextPv
from snapioc.ioc.server import serve
from snapioc.ioc.snap_pv import SnapGroup
from snapioc.model import Refused, Severity, SnapError

POINT = 0.01


class SmallIoc(SnapGroup):
    bo = BinaryPv.pv("BO", "A button", labels=("Idle", "Save"), handler="put_bo")
    bi = BinaryPv.pv("BI", "A lamp", labels=("Failed", "OK"), severities={0: Severity.MAJOR})
    mbbo = EnumPv.pv("MBBO", "A choice", labels=("Strict", "Best effort", "Third"), handler="put_mbbo")
    mbbi = EnumPv.pv("MBBI", "A state", labels=("None", "Bad"), severities={1: Severity.MAJOR})
    longout = LongPv.pv("LONGOUT", "A number", handler="put_longout")
    longin = LongPv.pv("LONGIN", "A count", units="PVs", limits=(0, 100))
    ai = AnalogPv.pv("AI", "A measurement", units="ms", precision=1, limits=(0.0, 100.0))
    lso = TextPv.pv("LSO", "A text", handler="put_lso")
    lsi = TextPv.pv("LSI", "A message")
    filter = FilterPv.pv("FILTER", "A text that must be whole", handler="put_filter")
    stringout = StringPv.pv("STRINGOUT", "A name", handler="put_stringout")
    stringin = StringPv.pv("STRINGIN", "A time")
    strings = StringArrayPv.pv("STRINGS", "Some names")
    longs = LongArrayPv.pv("LONGS", "Some counts", elements=100)
    doubles = DoubleArrayPv.pv("DOUBLES", "Some measurements", elements=100, units="s")
    refuse = LongPv.pv("REFUSE", "Refuses all", handler="put_refuse")
    fail = LongPv.pv("FAIL", "Fails late", handler="put_fail")
    crash = LongPv.pv("CRASH", "Has a defect", handler="put_crash")
    run = LongPv.pv("RUN", "Shows the number N times, then completes", handler="put_run")
    slow = LongPv.pv("SLOW", "Completes after N ms", handler="put_slow")
    flood = LongPv.pv("FLOOD", "Posts texts and counts without a pause", handler="put_flood")
    heartbeat = LongPv.pv("HEARTBEAT", "Counts ten times a second")
    origin = TextPv.pv("ORIGIN", "Who put last")

    async def put_bo(self, value: int, put: Put) -> None:
        await self.bo.post(value)

    async def put_mbbo(self, value: int, put: Put) -> None:
        await self.mbbo.post(value)
        await self.mbbi.post(min(value, 1))

    async def put_longout(self, value: int, put: Put) -> None:
        await self.longout.post(value)
        await self.longin.post(value)
        await self.ai.post(value / 3)

    async def put_lso(self, text: str, put: Put) -> None:
        await self.lso.post(text)
        await self.lsi.post(text)

    async def put_filter(self, text: str, put: Put) -> None:
        await self.filter.post(text)

    async def put_stringout(self, text: str, put: Put) -> None:
        await self.stringout.post(text)
        await self.stringin.post(text)
        await self.strings.post(tuple(text.split(",")))
        circuit = put.circuit
        await self.origin.post(f"{circuit.client_username}@{circuit.client_hostname} waits={put.waits}")

    async def put_refuse(self, value: int, put: Put) -> None:
        raise Refused("not today")

    async def put_fail(self, value: int, put: Put) -> bool:
        await asyncio.sleep(POINT)
        return False

    async def put_crash(self, value: int, put: Put) -> None:
        raise SnapError("a defect") if value else ZeroDivisionError("a defect")

    async def put_run(self, value: int, put: Put) -> None:
        await asyncio.sleep(0)
        for number in range(value + 1):
            await self.longin.post(number)
            await self.lsi.post(f"{number} of {value}", force=True)
        await self.run.post(value, force=True)

    async def put_slow(self, value: int, put: Put) -> None:
        await asyncio.sleep(value / 1000)
        await self.slow.post(value)

    async def put_flood(self, value: int, put: Put) -> None:
        for number in range(value):
            await self.lsi.post("x" * 16_000 + f"\n{number}"[-12:])
            await self.longin.post(number)
            if number == value // 2:
                await self.longout.post(value)
            if number % 20 == 0:
                await asyncio.sleep(0)
        await self.lsi.post("the end")
        await self.longin.post(-1)

    async def beat(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            await self.heartbeat.post(self.heartbeat.value + 1)


def small_ioc(prefix: str) -> SmallIoc:
    return SmallIoc(prefix)


async def main(prefix: str, port: int) -> None:
    group = small_ioc(prefix)
    pvdb: dict[str, Any] = dict(group.pvdb)
    tasks = [
        asyncio.ensure_future(group.beat()),
        asyncio.ensure_future(serve(pvdb, port, ["127.0.0.1"], lambda: print("serving", flush=True))),
    ]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: [task.cancel() for task in tasks])
    await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in tasks:
        task.cancel()
    print("ended", flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    asyncio.run(main(sys.argv[1], int(sys.argv[2])), debug=False)
