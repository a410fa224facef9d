"""SnapPv: what all kinds of PV do with a put and with a value to show.

Every PV has an alarm of its own (caproto shares one per group), no record fields but a few read-only ones (caproto's full
record classes cost 44 to 101 channels each and anybody may write them), and no startup hook (an exception in one ends the
whole server).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from caproto import AccessRights, AlarmSeverity, AlarmStatus, ChannelAlarm, ChannelType, SubscriptionType
from caproto.server import PVGroup, pvproperty
from caproto.server.server import PvpropertyData

from snapioc.model import Refused, Severity

from .circuit import Put, current_put
from .served import NEW_VALUE, ChannelStatus, Field, Served
from .wire import PutValue, put_values

_log = logging.getLogger(__name__)

Handler = Callable[[Any, Put], Awaitable[bool | None]]
"""Takes what was put; False means that the operation did not do what was asked. Raises Refused."""

SEVERITIES = tuple(severity.name for severity in Severity)
_STATUSES = ("NO_ALARM", "READ", "WRITE", "HIHI", "HIGH", "LOLO", "LOW", "STATE")


class SnapGroup(PVGroup):
    """A group of PVs; its prefix may hold braces."""

    def __init__(self, prefix: str) -> None:
        # PVGroup formats names with str.format.
        super().__init__(prefix.replace("{", "{{").replace("}", "}}"))

    async def refused_put(self, why: str) -> None:
        """A put to a writable PV of this group was refused."""


class SnapPv(PvpropertyData, Served):
    """A PV of a group. Read-only unless `handler` names a method of the group, which then is its Handler."""

    initial: ClassVar[Any] = 0
    record: ClassVar[tuple[str, str]] = ("ai", "ao")
    """The record types it stands for: read-only, writable."""

    def __init__(self, *, group: Any, handler: str | None = None, desc: str = "", **kwargs: Any) -> None:
        self.handler: Handler | None = getattr(group, handler) if handler else None
        self.desc = desc
        self._fields: dict[str, Field] = {}
        kwargs["alarm"] = ChannelAlarm()
        kwargs["max_length"] = 1
        super().__init__(group=group, **kwargs)
        self.reported_record_type = self.record[self.handler is not None]

    @classmethod
    def pv(cls, name: str, desc: str, **options: Any) -> Any:
        """A PV for the body of a PVGroup class; `desc` is its .DESC of at most 40 characters."""
        return pvproperty(name=name, dtype=cls, value=cls.initial, doc=desc, desc=desc, **options)

    def severity_of(self, value: Any) -> Severity:
        """The severity that a value brings with it."""
        return Severity.NO_ALARM

    def parse(self, values: PutValue) -> Any:
        """What a put means, for the handler. Raises Refused."""
        raise NotImplementedError

    async def post(self, value: Any, severity: Severity | None = None, *, force: bool = False) -> None:
        """Show a value; subscribers hear of it if it or its severity is new, or with `force`."""
        severity = self.severity_of(value) if severity is None else severity
        events = NEW_VALUE if force or value != self.value else SubscriptionType(0)
        if severity != self.alarm.severity:
            events |= SubscriptionType.DBE_ALARM
        if not events:
            return
        status = AlarmStatus.STATE if severity else AlarmStatus.NO_ALARM
        await self.alarm.write(status=status, severity=AlarmSeverity(severity), publish=False)
        await self.publish_value(value, events)
        for name, shown in (("SEVR", int(severity)), ("STAT", int(status))):
            if name in self._fields and self._fields[name].value != shown:
                await self._fields[name].publish_value(shown)

    def check_access(self, hostname: str, username: str) -> AccessRights:
        """Anybody may read; write only what has a handler."""
        return AccessRights.READ | AccessRights.WRITE if self.handler else AccessRights.READ

    async def read(self, data_type: Any) -> Any:
        """The value as any DBR type."""
        return await self._read(data_type)

    async def auth_write(self, hostname: str, username: str, data: Any, data_type: Any, metadata: Any, **_: Any) -> Any:
        """Serve a client's put: returns its CA status, after the monitors that it caused have gone out."""
        put = current_put.get()
        status = ChannelStatus.DONE if await self._serve(data, data_type, put) else ChannelStatus.FAILED
        await put.completed()
        return status

    async def _serve(self, data: Any, data_type: Any, put: Put) -> bool:
        try:
            if self.handler is None:
                raise Refused("it is read-only")
            if data_type in (ChannelType.PUT_ACKT, ChannelType.PUT_ACKS):
                return True
            return await self.handler(self.parse(put_values(data)), put) is not False
        except Refused as refusal:
            who = f"{put.circuit.client_username}@{put.circuit.client_hostname}"
            _log.info("refused a put of %s to %s: %s", who, self.pvname, refusal)
            if self.handler is not None:
                await self.group.refused_put(str(refusal))
            await put.refused(f"{self.pvname}: {refusal}")
            return False

    def field_values(self) -> Mapping[str, str | float]:
        """The fields of this kind besides NAME, DESC, RTYP, SEVR and STAT."""
        return {}

    def get_field(self, field: str) -> Any:
        """The PV itself as VAL, or one of its few read-only fields. Raises KeyError."""
        if field in ("", "VAL"):
            return self
        if field not in self._fields:
            self._fields[field] = self._make_field(field)
        return self._fields[field]

    def _make_field(self, field: str) -> Field:
        name, record_type = f"{self.pvname}.{field}", self.reported_record_type
        if field == "SEVR":
            return Field(name, int(self.alarm.severity), record_type, SEVERITIES)
        if field == "STAT":
            return Field(name, int(self.alarm.status), record_type, _STATUSES)
        texts = {"NAME": self.pvname, "DESC": self.desc, "RTYP": record_type}
        return Field(name, (texts | dict(self.field_values()))[field], record_type)
