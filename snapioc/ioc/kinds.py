"""The kinds of PV that we serve: what each takes from a client, how it is shown, and which record it stands for.

Each overrides how caproto reads and writes a channel, because with caproto's a put can poison a PV: see `wire`.
Every PV has an alarm of its own (caproto shares one per group), no record fields but a few read-only ones (caproto's full
record classes cost 44 to 101 channels each and anybody may write them), and no startup hook (an exception in one ends the
whole server).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from caproto import AccessRights, AlarmSeverity, AlarmStatus, ChannelAlarm, ChannelData, ChannelType, SubscriptionType
from caproto._dbr import DBR_TYPES, TimeStamp, native_type, native_types
from caproto.server import pvproperty
from caproto.server.server import PvpropertyData

from snapioc.model import MAX_STRING, Refused, Severity, decode

from .circuit import Put, current_put
from .wire import (
    INT32,
    TEXT_LIMIT,
    PutValue,
    characters,
    number_in,
    numbers,
    only,
    put_values,
    strings,
    text_of,
    whole_number,
)

_log = logging.getLogger(__name__)

Handler = Callable[[Any, Put], Awaitable[bool | None]]
"""Takes what was put; False means that the operation did not do what was asked. Raises Refused."""

_EVENTS = SubscriptionType.DBE_VALUE | SubscriptionType.DBE_ALARM | SubscriptionType.DBE_LOG


class Served(ChannelData):
    """A channel whose value reads as every DBR type."""

    data_type = ChannelType.DOUBLE
    labels: tuple[str, ...] = ()
    units = ""
    precision = 0
    limits: tuple[float, float] = (0.0, 0.0)

    def preprocess_value(self, value: Any) -> Any:
        """Leave the value as it is: it is of the kind's own Python type."""
        return value

    @property
    def long_string_max_length(self) -> int:
        """The element count of `NAME.VAL$`."""
        return TEXT_LIMIT + 1

    def as_texts(self, value: Any) -> Sequence[str]:
        """The value as texts, one per element."""
        return [str(value)]

    def as_numbers(self, value: Any) -> Sequence[float]:
        """The value as numbers, one per element."""
        return [value]

    def encode(self, value: Any, native: ChannelType) -> Any:
        """The value on the wire."""
        if native == ChannelType.STRING:
            return strings(self.as_texts(value))
        return numbers(self.as_numbers(value), native)

    async def _read(self, data_type: Any) -> Any:
        if data_type in (ChannelType.STSACK_STRING, ChannelType.CLASS_NAME):
            return await super()._read(data_type)
        wanted = ChannelType(int(data_type))
        values = self.encode(self.value, native_type(wanted))
        if wanted in native_types:
            return b"", values
        metadata = DBR_TYPES[wanted]()
        self._read_metadata(metadata)
        return metadata, values

    def _read_metadata(self, dbr_metadata: Any) -> None:
        known = {"status": int(self.alarm.status), "severity": int(self.alarm.severity), "precision": self.precision}
        for name, value in known.items():
            if hasattr(dbr_metadata, name):
                setattr(dbr_metadata, name, value)
        if hasattr(dbr_metadata, "stamp"):
            dbr_metadata.stamp = self.epics_timestamp
        if hasattr(dbr_metadata, "units"):
            dbr_metadata.units = self.units.encode()[:7]
        if hasattr(dbr_metadata, "enum_strings"):
            dbr_metadata.enum_strings = [label.encode() for label in self.labels]
        if hasattr(dbr_metadata, "upper_disp_limit"):
            low, high = numbers(self.limits, native_type(ChannelType(dbr_metadata.DBR_ID))).tolist()
            for kind in ("disp", "ctrl"):
                if hasattr(dbr_metadata, f"upper_{kind}_limit"):
                    setattr(dbr_metadata, f"lower_{kind}_limit", low)
                    setattr(dbr_metadata, f"upper_{kind}_limit", high)

    def check_access(self, hostname: str, username: str) -> AccessRights:
        """What a client may do; both names are its own claims."""
        return AccessRights.READ

    async def publish_value(self, value: Any) -> None:
        """Take a value and post it to all subscribers."""
        self._data["value"] = value
        self._data["timestamp"] = TimeStamp.from_flexible_value(time.time())
        await self.publish(_EVENTS)


class Field(Served):
    """A read-only field of a PV: a text, a number, or a severity."""

    def __init__(self, value: str | float, labels: tuple[str, ...] = ()) -> None:
        self.labels = labels
        self.data_type = ChannelType.STRING if isinstance(value, str) else ChannelType.DOUBLE
        if labels:
            self.data_type = ChannelType.ENUM
        super().__init__(value=value, max_length=1)

    def as_texts(self, value: Any) -> Sequence[str]:
        """The text, or the label of a severity."""
        return [self.labels[value] if self.labels else str(value)]

    def as_numbers(self, value: Any) -> Sequence[float]:
        """The number; NaN for a text that is none."""
        return [number_in(value) if isinstance(value, str) else value]


SEVERITIES = tuple(severity.name for severity in Severity)
_STATUSES = ("NO_ALARM", "READ", "WRITE", "HIHI", "HIGH", "LOLO", "LOW", "STATE")


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
        if not force and value == self.value and severity == self.alarm.severity:
            return
        status = AlarmStatus.STATE if severity else AlarmStatus.NO_ALARM
        await self.alarm.write(status=status, severity=AlarmSeverity(severity), publish=False)
        await self.publish_value(value)
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
        if field == "SEVR":
            return Field(int(self.alarm.severity), SEVERITIES)
        if field == "STAT":
            return Field(int(self.alarm.status), _STATUSES)
        texts = {"NAME": self.pvname, "DESC": self.desc, "RTYP": self.reported_record_type}
        return Field((texts | dict(self.field_values()))[field])


class ChannelStatus:
    """The CA status of a completed put (caerr.h)."""

    DONE = 1
    FAILED = 160


_STATES = ("ZR", "ON", "TW", "TH", "FR", "FV", "SX", "SV", "EI", "NI", "TE", "EL", "TV", "TT", "FT", "FF")


class EnumPv(SnapPv):
    """States with labels and severities: mbbi and mbbo; the value is the index."""

    data_type = ChannelType.ENUM
    record = ("mbbi", "mbbo")
    _names: ClassVar[Sequence[tuple[str, str]]] = tuple((f"{state}ST", f"{state}SV") for state in _STATES)

    def __init__(self, *, labels: tuple[str, ...], severities: Mapping[int, Severity] | None = None, **kwargs: Any) -> None:
        self.labels = labels
        self.severities = severities or {}
        super().__init__(**kwargs)

    def severity_of(self, value: int) -> Severity:
        """The severity of a state."""
        return self.severities.get(value, Severity.NO_ALARM)

    def as_texts(self, value: int) -> Sequence[str]:
        """The label."""
        return [self.labels[value]]

    def parse(self, values: PutValue) -> int:
        """The index of a state that was put as its number, the text of it, or its label."""
        value = only(values)
        if isinstance(value, bytes):
            label = decode(value).strip()
            folded = [known.casefold() for known in self.labels]
            if label in self.labels:
                return self.labels.index(label)
            if label.casefold() in folded:
                return folded.index(label.casefold())
        index = whole_number(value)
        if not 0 <= index < len(self.labels):
            raise Refused(f"there is no state {index}")
        return index

    def field_values(self) -> Mapping[str, str | float]:
        """Labels and severities of the states, as a record names them."""
        fields: dict[str, str | float] = {}
        for index, (label, severity) in enumerate(self._names[: len(self.labels)]):
            fields[label] = self.labels[index]
            fields[severity] = self.severities.get(index, Severity.NO_ALARM).name
        return fields


class BinaryPv(EnumPv):
    """Two states: bi and bo."""

    record = ("bi", "bo")
    _names = (("ZNAM", "ZSV"), ("ONAM", "OSV"))


class LongPv(SnapPv):
    """A 32-bit integer: longin and longout. Values beyond are shown as the nearest bound, puts beyond are refused."""

    data_type = ChannelType.LONG
    record = ("longin", "longout")

    def __init__(self, *, units: str = "", limits: tuple[int, int] = INT32, **kwargs: Any) -> None:
        self.units, self.limits = units, limits
        super().__init__(**kwargs)

    def parse(self, values: PutValue) -> int:
        """A whole number."""
        return whole_number(only(values))

    def field_values(self) -> Mapping[str, str | float]:
        """Units and limits."""
        return {"EGU": self.units, "HOPR": self.limits[1], "LOPR": self.limits[0]}


class AnalogPv(SnapPv):
    """A number with units and precision: ai, always read-only."""

    initial = 0.0

    def __init__(self, *, units: str, precision: int, limits: tuple[float, float], **kwargs: Any) -> None:
        self.units, self.precision, self.limits = units, precision, limits
        super().__init__(**kwargs)

    def as_texts(self, value: float) -> Sequence[str]:
        """The number with the PV's precision."""
        return [f"{value:.{self.precision}f}"]

    def field_values(self) -> Mapping[str, str | float]:
        """Units, precision and limits."""
        return {"EGU": self.units, "PREC": self.precision, "HOPR": self.limits[1], "LOPR": self.limits[0]}


class StringPv(SnapPv):
    """A short text: stringin and stringout."""

    data_type = ChannelType.STRING
    record = ("stringin", "stringout")
    initial = ""

    def as_numbers(self, value: str) -> Sequence[float]:
        """The number that the text holds."""
        return [number_in(value)]

    def encode(self, value: str, native: ChannelType) -> Any:
        """As DBR_CHAR the whole text."""
        return characters(value) if native == ChannelType.CHAR else super().encode(value, native)

    def parse(self, values: PutValue) -> str:
        """A text."""
        return text_of(values)


class TextPv(StringPv):
    """A text of up to 16,000 bytes: lsi and lso. `NAME` is its first 39 bytes, `NAME.VAL$` the whole."""

    record = ("lsi", "lso")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_subscription_backlog=4, **kwargs)


class FilterPv(TextPv):
    """A text that is refused if it may have been cut on the way: a DBR_STRING that is full."""

    def parse(self, values: PutValue) -> str:
        """A text that is whole."""
        if len(values) == 1 and isinstance(values[0], bytes) and len(values[0]) >= MAX_STRING - 1:
            raise Refused(f"a text of {MAX_STRING - 1} bytes was probably cut on its way: use {self.pvname}.VAL$ (caput -S)")
        return super().parse(values)

    def severity_of(self, value: str) -> Severity:
        """MINOR while it is not empty: the next restore will not be of everything."""
        return Severity.MINOR if value else Severity.NO_ALARM


class StringArrayPv(SnapPv):
    """Short texts: a waveform of strings, read-only."""

    data_type = ChannelType.STRING
    record = ("waveform", "waveform")
    initial = ("",)

    def __init__(self, *, elements: int = 64, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._max_length = elements

    def as_texts(self, value: tuple[str, ...]) -> Sequence[str]:
        """The texts."""
        return value

    def as_numbers(self, value: tuple[str, ...]) -> Sequence[float]:
        """The numbers that the texts hold."""
        return [number_in(text) for text in value]
