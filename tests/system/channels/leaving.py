"""A process with a CA client, as `snapioc run` is one: it works on the machine until SIGTERM, then closes and ends."""

from __future__ import annotations

import asyncio
import signal
import sys

import aioca
import numpy as np

from snapioc.channels import CaChannels
from snapioc.channels.aioca_engine import AiocaEngine
from snapioc.channels.bulk import BulkEngine


async def work(channels: CaChannels, mode: str, pvs: list[str]) -> None:
    await channels.connect(pvs, 60)
    if mode == "block":
        await channels._thread.run(connect(pvs[0]), 60)
    print("connected", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print("working", flush=True)
    if mode == "read":
        await channels.read(pvs, 300)
    if mode == "block":
        # What the client itself never does: more to a hung IOC than libca sends without blocking.
        await channels._thread.run(flood(pvs[0]), 300)


async def connect(pv: str) -> None:
    await aioca.connect(pv)


async def flood(pv: str) -> None:
    await asyncio.gather(*(aioca.caput(pv, np.zeros(400_000), wait=True) for _ in range(20)))


async def main(engine: str, mode: str, pvs: list[str]) -> None:
    channels, stop = CaChannels({"aioca": AiocaEngine, "bulk": BulkEngine}[engine]()), asyncio.Event()
    channels.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    working = asyncio.create_task(work(channels, mode, pvs))
    await stop.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    print("closed" if await channels.close(1.0) else "left behind", flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
