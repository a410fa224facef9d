"""The IOC put together: configuration, machine, store, operations and server, from start to clean end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from snapioc.channels import CaChannels
from snapioc.config import Config, load_sets, store_url
from snapioc.ioc import SnapIoc
from snapioc.model import PvSet, StoreError
from snapioc.operations import Console, Group, Plant, Policy, SetSettings, watch_store
from snapioc.store import SqlStore

EXIT_WITHIN = 4.0
"""Seconds after a signal in which the process ends, even if libca is blocked by a hung IOC."""

_log = logging.getLogger(__name__)


async def run_ioc(
    config: Config,
    *,
    list_pvs: bool = False,
    serving: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until cancelled. `serving` is called when clients can connect.

    Raises ConfigError before anything is started, SnapError if it cannot be served.
    """
    sets = load_sets(config)
    stopped = _stopped_by_signals()
    try:
        async with AsyncExitStack() as stack:
            plant = await _plant(config, sets, stack)
            groups = [Group(plant, settings) for settings in plant.sets.values()]
            console = Console(plant)
            ioc = SnapIoc(config.ioc.prefix, plant, console, groups)
            if list_pvs:
                print(*ioc.pvdb, sep="\n", flush=True)  # noqa: T201 - what --list-pvs is for
            for group in (console, *groups):
                stack.push_async_callback(group.close)
            await _remember(plant, (console, *groups))
            await _until_one_ends(
                ioc.serve(config.ioc.port, config.ioc.interfaces, serving),
                ioc.watch(),
                watch_store(plant, lambda: _remember(plant, (console, *groups))),
            )
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise


async def _plant(config: Config, sets: Sequence[PvSet], stack: AsyncExitStack) -> Plant:
    """The machine connected and the store open, as far as they are there: what is missing now may come later."""
    channels = CaChannels()
    channels.start()
    stack.push_async_callback(channels.close, 1.0)
    store = SqlStore(store_url(config))
    stack.push_async_callback(store.close)
    plant = Plant(
        channels=channels,
        store=store,
        sets=_settings(config, sets),
        connect_timeout=config.channels.connect_timeout,
        read_timeout=config.channels.read_timeout,
        write_timeout=config.channels.write_timeout,
        restore_enabled=config.restore.enabled,
        permit_pv=config.restore.permit_pv,
    )
    try:
        await store.open(migrate=True)
    except StoreError as fault:
        _log.error("serving without a store: %s", fault)
        await plant.store_is(fault)
    await channels.connect(list(dict.fromkeys(pv for pv_set in sets for pv in pv_set.pvs)), plant.connect_timeout)
    return plant


def _settings(config: Config, sets: Sequence[PvSet]) -> dict[str, SetSettings]:
    return {
        pv_set.name: SetSettings(
            pv_set=pv_set,
            read_timeout=known.read_timeout or config.channels.read_timeout,
            min_complete=known.min_complete or 0.0,
            policy=Policy.STRICT if known.policy == "Strict" else Policy.BEST_EFFORT,
            verify=known.verify,
        )
        for pv_set, known in zip(sets, config.sets, strict=True)
    }


async def _remember(plant: Plant, groups: Sequence[Group]) -> None:
    """Take over what the store knows from before; a store that does not answer now is asked again when it does."""
    for group in groups:
        try:
            plant.newest = await plant.store.newest()
            await group.ready()
        except StoreError as fault:
            await plant.store_is(fault)
    await plant.notify()


async def _until_one_ends(*services: Awaitable[None]) -> None:
    """Run the services side by side: they go on for ever, so the end of one is a fault, and ends the others."""
    tasks = [asyncio.ensure_future(service) for service in services]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _stopped_by_signals() -> asyncio.Event:
    """Let SIGTERM and SIGINT cancel the running task; the event is set when one of them did."""
    loop, task, stopped = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()

    def stop() -> None:
        if task and not stopped.is_set():
            stopped.set()
            task.cancel()
            _end_by_force_later()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopped


def _end_by_force_later() -> None:
    """End the process if libca, blocked by a hung IOC, does not let go."""
    force = threading.Timer(EXIT_WITHIN, os._exit, (0,))
    force.daemon = True
    force.start()
