"""A client that is not ours and shares nothing with it: caproto's own protocol, blocking, one connection per call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from caproto import CaprotoError
from caproto.sync import client

from snapioc.model import DTYPES, DbrType

TIMEOUT = 30.0


@dataclass(frozen=True)
class Seen:
    """What a server holds: the elements as bytes in little-endian order, or as texts, and their stamps."""

    raw: bytes | list[bytes]
    status: int
    severity: int
    seconds: int
    nanoseconds: int


def read(pv: str, dbr_type: DbrType) -> Seen:
    """Read all elements there are, with DBR_TIME of the given type."""
    reply = _twice(client.read, pv, data_type=14 + dbr_type, data_count=0)
    known = reply.metadata
    stamps = (int(known.status), int(known.severity), known.stamp.secondsSinceEpoch, known.stamp.nanoSeconds)
    return Seen(_raw(reply.data, dbr_type), *stamps)


def write(pv: str, raw: bytes | list[bytes], dbr_type: DbrType) -> None:
    """Write elements, given as bytes or texts, and wait until the record has processed them."""
    data: Any = raw
    if isinstance(raw, bytes):
        data = np.frombuffer(raw, DTYPES[dbr_type]).astype(DTYPES[dbr_type].newbyteorder(">"))
    _twice(client.write, pv, data, data_type=int(dbr_type), notify=True)


def _twice(ask: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Seldom, once in some thousand calls, caproto's client fails while it connects: then once more."""
    try:
        return ask(*arguments, **options, timeout=TIMEOUT, repeater=False)
    except CaprotoError:
        return ask(*arguments, **options, timeout=TIMEOUT, repeater=False)


def _raw(data: Any, dbr_type: DbrType) -> bytes | list[bytes]:
    if dbr_type is DbrType.STRING:
        return [bytes(element) for element in data]
    return np.asarray(data).view(DTYPES[dbr_type].newbyteorder(">")).astype(DTYPES[dbr_type]).tobytes()
