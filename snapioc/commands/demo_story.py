"""What `snapioc demo` tells its user to try."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from sqlalchemy import make_url

from snapioc.config import Config, store_url
from snapioc.demo import PREFIX

_MAGNET = f"{PREFIX}SR:QF01:I-SET"


def story(config: Config, variables: Mapping[str, str], next_id: int) -> list[str]:
    """The lines: how another terminal finds the demo, what to type there, where the snapshots are, and how to stop.

    `variables` are the client's; `next_id` is what the first snapshot that is taken will get.
    """
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items() if value)
    commands = _commands(config.ioc.prefix, next_id)
    width = max(len(epics) for epics, _, _ in commands)
    return [
        "",
        "The demo machine and snapioc are up, on loopback only. In another terminal:",
        "",
        f"  export {exports}",
        "",
        *(f"  {epics:{width}}  # {what}" for epics, _, what in commands),
        "",
        "The same without EPICS tools, with what came with snapioc:",
        "",
        *(f"  {caproto}" for _, caproto, _ in commands),
        "",
        f"More magnets: {PREFIX}SR:QF01 to QF12, QD, SF, SD, CH, CV; sets: {', '.join(s.name for s in config.sets)}",
        f"Snapshots:    {make_url(store_url(config)).database}",
        f"Look inside:  snapioc list --config {shlex.quote(str(config.path))}",
        "",
        "Ctrl-C stops both.",
        "",
    ]


def _commands(prefix: str, next_id: int) -> list[tuple[str, str, str]]:
    """With EPICS tools, with caproto's, and what it does."""
    return [
        (f"caput -c -w 60 {prefix}TRIGGER 1", _put(f"{prefix}TRIGGER", 1), "take a snapshot of the set MAGNETS"),
        (f"caget {prefix}LAST_ID", _get(f"{prefix}LAST_ID"), "its id"),
        (f"caput {_MAGNET} 0", _put(_MAGNET, 0), "break the machine"),
        (f"caput -c -w 60 {prefix}RESTORE_ID {next_id}", _put(f"{prefix}RESTORE_ID", next_id), "put it back"),
        (f"caget {_MAGNET}", _get(_MAGNET), "as it was"),
        (f"caget -S '{prefix}MESSAGE.VAL$'", _get(f"-S '{prefix}MESSAGE.VAL$'"), "what happened"),
    ]


def _put(pv: str, value: int) -> str:
    return f"caproto-put --no-repeater --notify --timeout 60 {pv} {value}"


def _get(pv: str) -> str:
    return f"caproto-get --no-repeater {pv}"
