"""What is in the DBR structures that servers answer with (db_access.h), bit for bit."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import numpy as np
from epicscorelibs.ca import dbr

from snapioc.model import DTYPES, LIMITS, MAX_STRING, DbrType, Metadata, Value, decode

from .get import Reply

TIME, CTRL = int(dbr.DBR_TIME_STRING), 28
"""What is added to a DbrType to ask for its value with time and alarm, or with its metadata."""

_TIME_HEADER = struct.Struct("=hhII")


def stamps_of(reply: Reply) -> dict[str, int]:
    """Status, severity, and EPICS time of a DBR_TIME reply, as ReadingsBuilder.add takes them."""
    status, severity, seconds, nanoseconds = _TIME_HEADER.unpack_from(reply.data)
    return {"status": status, "severity": severity, "seconds": seconds, "nanoseconds": nanoseconds}


def value_of(reply: Reply, *, single_text: bool) -> Value:
    """The value of a DBR_TIME reply: an array, or texts as bytes; `single_text` if the channel holds one text, not a list.

    A text that a server did not end with a NUL has all of its 40 bytes.
    """
    dbr_type = DbrType(reply.code - TIME)
    offset = dbr.DbrCodeToType[reply.code].raw_value.offset
    if dbr_type is not DbrType.STRING:
        return np.frombuffer(reply.data, DTYPES[dbr_type].newbyteorder("="), reply.count, offset)
    ends = range(offset + MAX_STRING, offset + MAX_STRING * reply.count + 1, MAX_STRING)
    texts = [reply.data[end - MAX_STRING : end].split(b"\0", 1)[0] for end in ends]
    # An lso that was never written has no element; it takes the empty text, but no empty array.
    return (texts[0] if texts else b"") if single_text else texts


def characters_of(reply: Reply) -> bytes:
    """The text in a DBR_TIME_CHAR reply, up to its first NUL."""
    offset = dbr.DbrCodeToType[reply.code].raw_value.offset
    return reply.data[offset : offset + reply.count].split(b"\0", 1)[0]


def metadata_of(reply: Reply, element_count: int) -> Metadata:
    """The metadata in a DBR_CTRL reply."""
    structure = dbr.DbrCodeToType[reply.code]
    content = structure.from_buffer_copy(reply.data.ljust(ctypes.sizeof(structure), b"\0"))
    if reply.code == dbr.DBR_CTRL_ENUM:
        labels = [bytes(label).split(b"\0", 1)[0] for label in content.raw_strs[: max(0, content.no_str)]]
        return Metadata(labels=tuple(map(decode, labels)), element_count=element_count)
    return Metadata(
        units=decode(content.units),
        precision=getattr(content, "precision", 0),
        limits=tuple(_limit(content, name) for name in LIMITS),
        element_count=element_count,
    )


def _limit(content: Any, name: str) -> float:
    return float(getattr(content, name))
