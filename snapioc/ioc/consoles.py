"""The PVs of consoles: a console for people, of which there may be several, and what concerns the whole IOC."""

from __future__ import annotations

from snapioc.model import Severity
from snapioc.operations import Console

from .arrays import StringArrayPv
from .circuit import Put
from .groups import GroupPvs
from .kinds import AnalogPv, BinaryPv, LongPv, StringPv, TextPv
from .wire import INT32

_NOT_BELOW_ZERO = (0, INT32[1])
_UNLIMITED = (0.0, 0.0)


class ConsolePvs(GroupPvs):
    """The group of one console."""

    set = StringPv.pv("SET", "The set that the console's TRIGGER saves", handler="put_set")

    control: Console

    def __init__(self, prefix: str, console: Console) -> None:
        super().__init__(prefix, console)

    async def put_set(self, name: str, put: Put) -> None:
        """Choose the set that the console's TRIGGER saves."""
        self.control.choose(name.strip())
        await self.control.view.changed()


class MainPvs(ConsolePvs):
    """The main console, and what concerns all sets and consoles."""

    sets = StringArrayPv.pv("SETS", "All sets")
    restore_enable = BinaryPv.pv(
        "RESTORE_ENABLE", "Whether restores are allowed", labels=("Disabled", "Enabled"), handler="put_restore_enable"
    )
    restoring = TextPv.pv("RESTORING", "Which restores run")
    newest_id = LongPv.pv("NEWEST_ID", "Newest snapshot of any set", limits=_NOT_BELOW_ZERO)
    heartbeat = LongPv.pv("HEARTBEAT", "Counts once a second", limits=_NOT_BELOW_ZERO)
    version = StringPv.pv("VERSION", "Version of snapioc")
    uptime = StringPv.pv("UPTIME", "Time since the IOC started")
    store_ok = BinaryPv.pv(
        "STORE_OK", "Whether snapshots can be stored", labels=("Failed", "OK"), severities={0: Severity.MAJOR}
    )
    pvs_total = LongPv.pv("PVS_TOTAL", "PVs of all sets", limits=_NOT_BELOW_ZERO)
    pvs_connected = LongPv.pv("PVS_CONNECTED", "Those that are connected", limits=_NOT_BELOW_ZERO)
    pvs_disconnected = LongPv.pv("PVS_DISCONNECTED", "Those that are not", limits=_NOT_BELOW_ZERO)
    disconnected = TextPv.pv("DISCONNECTED", "Names of those that are not connected")
    loop_lag = AnalogPv.pv("LOOP_LAG", "Worst event-loop delay of the last 10 s", units="ms", precision=1, limits=_UNLIMITED)

    async def put_restore_enable(self, wanted: int, put: Put) -> None:
        """Allow or forbid restores, in all groups."""
        self.control.plant.restore_enabled = bool(wanted)
        await self.control.plant.notify()
