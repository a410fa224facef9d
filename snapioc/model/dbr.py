"""The data types of Channel Access, as the rest of snapioc speaks of them."""

from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import Any

import numpy as np

MAX_STRING = 40
"""Bytes of a DBR_STRING with its closing NUL (db_access.h, MAX_STRING_SIZE)."""

EPICS_EPOCH = 631_152_000
"""Unix time of 1990-01-01T00:00:00Z, from which EPICS counts its seconds (epicsTime.h)."""


class DbrType(IntEnum):
    """The seven native types a channel can have; the numbers are those of db_access.h."""

    STRING = 0
    SHORT = 1
    FLOAT = 2
    ENUM = 3
    CHAR = 4
    LONG = 5
    DOUBLE = 6


DTYPES: MappingProxyType[DbrType, np.dtype[Any]] = MappingProxyType(
    {
        DbrType.STRING: np.dtype(f"S{MAX_STRING}"),
        DbrType.SHORT: np.dtype("<i2"),
        DbrType.FLOAT: np.dtype("<f4"),
        DbrType.ENUM: np.dtype("<u2"),
        DbrType.CHAR: np.dtype("<u1"),
        DbrType.LONG: np.dtype("<i4"),
        DbrType.DOUBLE: np.dtype("<f8"),
    }
)
"""How one element of each type lies in a Readings column; DBF_CHAR is unsigned, as libca hands it out."""


class Severity(IntEnum):
    """Alarm severities (alarm.h)."""

    NO_ALARM = 0
    MINOR = 1
    MAJOR = 2
    INVALID = 3


class Reason(IntEnum):
    """Why a reading is missing; OK means that it is there. Numbers are stored and never change."""

    OK = 0
    NEVER_CONNECTED = 1
    DISCONNECTED = 2
    NO_ANSWER = 3
    NO_READ_ACCESS = 4
    READ_REFUSED = 5
    NOT_ASKED = 6
    UNREADABLE = 7
    HUNG = 8
    UNKNOWN_THEN = 9
    EVENTS_LOST = 10
    NOT_WRITTEN = 11

    @property
    def text(self) -> str:
        """The reason in a person's words, as FAILURES shows it."""
        return _REASON_TEXTS[self]


_REASON_TEXTS = {
    Reason.OK: "ok",
    Reason.NEVER_CONNECTED: "never connected",
    Reason.DISCONNECTED: "disconnected",
    Reason.NO_ANSWER: "no answer in time",
    Reason.NO_READ_ACCESS: "no read access",
    Reason.READ_REFUSED: "the server refused the read",
    Reason.NOT_ASKED: "not part of this snapshot",
    Reason.UNREADABLE: "the reply could not be understood",
    Reason.HUNG: "IOC hung",
    Reason.UNKNOWN_THEN: "no value is known from before the trigger",
    Reason.EVENTS_LOST: "events were lost: they came faster than they were taken",
    Reason.NOT_WRITTEN: "never written by this restore",
}


class Flag(IntFlag):
    """What else is known of a reading. Numbers are stored and never change."""

    NONE = 0
    CUT = 1
    """A text of 39 bytes that could not be read whole: the rest is unknown, so it is never written back."""
    LONG = 2
    """A text that was read whole through `NAME.FIELD$` and has to be written back that way."""
