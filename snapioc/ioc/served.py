"""What all channels that we serve have in common: whatever one holds, it reads as every DBR type.

It overrides how caproto reads a channel, because with caproto's a put can poison a PV: see `wire`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from caproto import AccessRights, ChannelData, ChannelType, SubscriptionType
from caproto._dbr import DBR_TYPES, TimeStamp, native_type, native_types

from .circuit import current_put
from .wire import TEXT_LIMIT, characters, number_in, numbers, strings

NEW_VALUE = SubscriptionType.DBE_VALUE | SubscriptionType.DBE_LOG

_METADATA = DBR_TYPES | {ChannelType.CTRL_STRING: DBR_TYPES[ChannelType.STS_STRING]}
"""Bug of caproto 1.3.0: it answers DBR_CTRL_STRING with a time stamp, which libca does not expect (access.cpp, dbr_size)."""

_SPECIAL = {ChannelType.PUT_ACKT, ChannelType.PUT_ACKS, ChannelType.STSACK_STRING, ChannelType.CLASS_NAME}
"""Types whose value lies in what caproto calls metadata; alarms are not acknowledged here, so those of them read 0."""


class Served(ChannelData):
    """A channel whose value reads as every DBR type."""

    data_type = ChannelType.DOUBLE
    labels: tuple[str, ...] = ()
    units = ""
    precision = 0
    limits: tuple[float, float] = (0.0, 0.0)
    _posted = SubscriptionType(0)

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
        wanted = ChannelType(int(data_type))
        values = b"" if wanted in _SPECIAL else self.encode(self.value, native_type(wanted))
        if wanted in native_types:
            return b"", values
        metadata = _METADATA[wanted]()
        self._read_metadata(metadata)
        if wanted == ChannelType.CLASS_NAME:
            metadata.value = self.reported_record_type.encode()
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

    async def publish_value(self, value: Any, events: SubscriptionType = NEW_VALUE) -> None:
        """Take a value and post it to those who subscribed to such events."""
        self._data["value"] = value
        self._data["timestamp"] = TimeStamp.from_flexible_value(time.time())
        self._posted = events
        await self.publish(events)

    def _is_eligible(self, sub_spec: Any) -> bool:
        """Bug of caproto 1.3.0: it posts everything to every subscriber, whatever its mask says."""
        return bool(sub_spec.mask & self._posted) and super()._is_eligible(sub_spec)


class Field(Served):
    """A read-only field of a PV: a text, a number, or a severity."""

    def __init__(self, name: str, value: str | float, record_type: str, labels: tuple[str, ...] = ()) -> None:
        self.pvname, self.labels = name, labels
        self.data_type = ChannelType.STRING if isinstance(value, str) else ChannelType.DOUBLE
        if labels:
            self.data_type = ChannelType.ENUM
        super().__init__(value=value, max_length=1, reported_record_type=record_type)

    async def auth_write(self, *_: Any, **__: Any) -> Any:
        """Refuse, if a client writes although it was told that it may not."""
        await current_put.get().refused(f"{self.pvname}: it is read-only")
        return ChannelStatus.FAILED

    def as_texts(self, value: Any) -> Sequence[str]:
        """The text, or the label of a severity."""
        return [self.labels[value] if self.labels else str(value)]

    def as_numbers(self, value: Any) -> Sequence[float]:
        """The number; NaN for a text that is none."""
        return [number_in(value) if isinstance(value, str) else value]

    def encode(self, value: Any, native: ChannelType) -> Any:
        """As DBR_CHAR the whole of a text."""
        whole = isinstance(value, str) and native == ChannelType.CHAR
        return characters(value) if whole else super().encode(value, native)


class ChannelStatus:
    """The CA status of a completed put (caerr.h)."""

    DONE = 1
    FAILED = 160
