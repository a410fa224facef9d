"""The IOC put together: configuration, machine, store, operations and server, from start to clean end."""

from __future__ import annotations

import asyncio
import gc
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
from snapioc.operations import BATCH, Console, Group, Plant, Policy, SetSettings, remember, tidy, watch_store
from snapioc.operations.repeat import Repeats
from snapioc.operations.watch import DriftWatches
from snapioc.store import SqlStore, claimed

EXIT_WITHIN = 4.0
"""Seconds after a signal in which the process ends, even if libca is blocked by a hung IOC."""

NAMED = 10
"""Missing PVs that the log names at the start; DISCONNECTED and `snapioc check` name all."""

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
    stopped = _stopped_by_signals()
    sets = load_sets(config)
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(claimed(store_url(config), f"prefix {config.ioc.prefix}"))
            plant = await _plant(config, sets, stack)
            groups = [Group(plant, settings) for settings in plant.sets.values()]
            consoles = [Console(plant, name) for name in ("", *config.ioc.consoles)]
            watches, repeats = DriftWatches(plant), Repeats(plant)
            ioc = SnapIoc(config.ioc.prefix, plant, consoles, groups, watches, repeats)
            if list_pvs:
                print(*ioc.pvdb, sep="\n", flush=True)  # noqa: T201 - what --list-pvs is for
            for group in (*consoles, *groups):
                stack.push_async_callback(group.close)
            await remember(plant, (*consoles, *groups))
            await _until_one_ends(
                ioc.serve(config.ioc.port, config.ioc.interfaces, serving),
                ioc.watch(),
                watch_store(plant, (*consoles, *groups)),
                watches.run(),
                repeats.run(),
                tidy(plant),
            )
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
        _log.info("stopped")


async def _plant(config: Config, sets: Sequence[PvSet], stack: AsyncExitStack) -> Plant:
    """The machine connected and the store open, as far as they are there: what is missing now may come later."""
    channels = CaChannels()
    channels.start()
    stack.push_async_callback(channels.close, 1.0)
    store = SqlStore(store_url(config), sets=[pv_set.name for pv_set in sets])
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
        recovered=False,
    )
    stack.push_async_callback(plant.settings.close)
    try:
        await store.open(migrate=True)
    except StoreError as fault:
        _log.error("serving without a store: %s", fault)
        await plant.store_is(fault)
    await asyncio.gather(
        _connect(plant, list(dict.fromkeys([*(pv for pv_set in sets for pv in pv_set.pvs), *plant.permit_pvs]))),
        asyncio.to_thread(_study, sets),
    )
    # What is there by now stays; looking through it again and again would hold up the loop for tens of milliseconds.
    gc.collect()
    gc.freeze()
    return plant


def _study(sets: Sequence[PvSet]) -> None:
    """Have the sets know of themselves what takes half a second for 100,000 PVs, so that no operation waits for it."""
    for pv_set in sets:
        for known in ("digest", "canonical", "rows", "tolerances", "readback_rows", "always", "read_only", "required"):
            getattr(pv_set, known)


async def _connect(plant: Plant, pvs: Sequence[str]) -> None:
    _log.info("connecting to the %d PVs of the machine, for %g s at most", len(pvs), plant.connect_timeout)
    await plant.channels.connect(pvs, plant.connect_timeout)
    missing = await plant.channels.disconnected(pvs)
    level = logging.WARNING if missing else logging.INFO
    named = f"; missing: {', '.join(missing[:NAMED])}{', ...' if len(missing) > NAMED else ''}" if missing else ""
    _log.log(level, "%d of %d connected%s", len(pvs) - len(missing), len(pvs), named)


def _settings(config: Config, sets: Sequence[PvSet]) -> dict[str, SetSettings]:
    return {
        pv_set.name: SetSettings(
            pv_set=pv_set,
            read_timeout=known.read_timeout or config.channels.read_timeout,
            min_complete=known.min_complete or 0.0,
            policy=Policy.STRICT if known.policy == "Strict" else Policy.BEST_EFFORT,
            changed_only=known.changed,
            verify=known.verify,
            rate=known.rate,
            batch=known.batch or BATCH,
            settle=known.settle,
        )
        for pv_set, known in zip(sets, config.sets, strict=True)
    }


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
            _log.info("stopping")
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
