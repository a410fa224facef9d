"""Values on the wire: any put as plain Python, and any of our values as any DBR type. Reading never fails.

caproto 1.3.0 converts for us if asked, but raises for a text that is no number, for bytes that are no UTF-8 and for an enum
out of range; it answers such a read with ECA_INTERNAL, which ends naive libca clients. So the conversions are our own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from caproto import ChannelType
from caproto._dbr import DbrStringArray
from numpy.typing import NDArray

from snapioc.model import MAX_STRING, Refused, decode

TEXT_LIMIT = 16_000
"""Bytes of the longest text: old clients and gateways stop at 16,384 (EPICS_CA_MAX_ARRAY_BYTES)."""

_WHOLE = re.compile(rb"[+-]?[0-9]{1,15}(\.0*)?")

INT32 = (-(2**31), 2**31 - 1)

PutValue: TypeAlias = list[bytes] | list[int] | list[float]
"""What a client put: texts of DBR_STRING, or numbers."""

_INTEGERS: dict[ChannelType, np.dtype[Any]] = {
    ChannelType.INT: np.dtype(">i2"),
    ChannelType.ENUM: np.dtype(">u2"),
    ChannelType.CHAR: np.dtype("u1"),
    ChannelType.LONG: np.dtype(">i4"),
}
_FLOATS: dict[ChannelType, np.dtype[Any]] = {ChannelType.FLOAT: np.dtype(">f4"), ChannelType.DOUBLE: np.dtype(">f8")}


def put_values(data: Any) -> PutValue:
    """The elements of a write request as caproto hands them over."""
    if isinstance(data, DbrStringArray):
        return [bytes(element).split(b"\0", 1)[0] for element in data]
    elements: list[int] | list[float] = np.asarray(data).tolist()
    return elements


def only(values: PutValue) -> bytes | int | float:
    """The one value of a put to a scalar. Raises Refused if there are none or many."""
    if len(values) != 1:
        raise Refused(f"one value is wanted, not {len(values)}")
    return values[0]


def whole_number(value: bytes | int | float) -> int:
    """A put to an integer PV. Raises Refused for what is empty, fractional, no number, or out of the range of int32."""
    if isinstance(value, bytes) and not _WHOLE.fullmatch(value.strip()):
        raise Refused(f"{_shown(value)} is no whole number")
    number = float(value)
    exact = int(float(value)) if isinstance(value, bytes) else number
    if not math.isfinite(number) or number != math.floor(number):
        raise Refused(f"{_shown(value)} is no whole number")
    if not INT32[0] <= exact <= INT32[1]:
        raise Refused(f"{_shown(value)} is out of range")
    return int(exact)


def number_of(value: bytes | int | float) -> float:
    """A put to a number PV. Raises Refused for what is no number."""
    if isinstance(value, bytes):
        number = number_in(decode(value).strip())
        if math.isnan(number):
            raise Refused(f"{_shown(value)} is no number")
        return number
    return float(value)


def text_of(values: PutValue) -> str:
    """A put to a text PV: the text of a DBR_STRING, or of characters sent as numbers; trailing NULs do not count.

    Raises Refused if it is no text, or too long.
    """
    if values and isinstance(values[0], bytes):
        raw = bytes(only(values))  # type: ignore[arg-type]
    elif all(isinstance(v, int) and -128 <= v <= 255 for v in values):
        raw = bytes(int(v) & 0xFF for v in values).rstrip(b"\0").split(b"\0", 1)[0]
    else:
        raise Refused("these numbers are no characters")
    if len(raw) > TEXT_LIMIT:
        raise Refused(f"a text has at most {TEXT_LIMIT} bytes, not {len(raw)}")
    return decode(raw)


def cut(text: str, limit: int) -> bytes:
    """The first `limit` bytes of a text in UTF-8, cut between two characters."""
    raw = text.encode(errors="replace")
    return raw if len(raw) <= limit else raw[:limit].decode(errors="ignore").encode()


def numbers(values: Sequence[float], native: ChannelType) -> NDArray[Any]:
    """Numbers as an array of the wire's type; what an integer type cannot hold becomes its nearest bound, NaN becomes 0."""
    if native in _FLOATS:
        with np.errstate(over="ignore"):
            return np.array(values, np.float64).astype(_FLOATS[native])
    dtype = _INTEGERS[native]
    bounds = np.iinfo(dtype)
    wanted = np.nan_to_num(np.array(values, np.float64), nan=0.0)
    return np.clip(wanted, bounds.min, bounds.max).astype(dtype)


def strings(texts: Sequence[str]) -> DbrStringArray:
    """Texts as DBR_STRINGs."""
    return DbrStringArray(cut(text, MAX_STRING - 1) for text in texts)


def padded(values: Any, count: int) -> Any:
    """The values filled up with zeros or empty strings to at least `count`, as a C IOC does."""
    lacking = count - len(values)
    if lacking <= 0 or isinstance(values, bytes):
        return values
    if isinstance(values, DbrStringArray):
        return DbrStringArray([*values, *[b""] * lacking])
    return np.concatenate([values, np.zeros(lacking, values.dtype)])


def characters(text: str) -> NDArray[Any]:
    """A text as DBR_CHAR with its closing NUL, as a C IOC serves `NAME.VAL$`."""
    return np.frombuffer(cut(text, TEXT_LIMIT) + b"\0", "u1")


def number_in(text: str) -> float:
    """The number that a text holds; NaN if it holds none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _shown(value: bytes | int | float) -> str:
    return repr(decode(value)) if isinstance(value, bytes) else str(value)
