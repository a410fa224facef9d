"""Values and snapshots in a person's words, the same on PVs and on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from .dbr import EPICS_EPOCH, DbrType, Flag, Reason
from .reading import Reading, Value
from .readings import Readings
from .snapshot import Origin, SnapshotHeader

_SHOWN = 5


def decode(raw: bytes) -> str:
    """Bytes of a PV's text as UTF-8, or latin-1 if they are not."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def value_text(reading: Reading) -> str:
    """The value exactly: numbers in the shortest form that gives them back, enums as `label (index)`, texts quoted.

    Of an array the first few elements and the length; of a missing reading its reason in brackets.
    """
    value = reading.value
    if value is None:
        return f"[{reading.reason.text}]"
    if isinstance(value, bytes):
        return _quoted(value)
    if isinstance(value, list):
        return _array_text([_quoted(element) for element in value[:_SHOWN]], max(len(value), reading.count))
    if isinstance(value, np.ndarray):
        elements = [_number_text(element, reading) for element in value[:_SHOWN].tolist()]
        return _array_text(elements, max(value.size, reading.count))
    return _number_text(value, reading)


def shown(reading: Reading) -> str:
    """The value for people: `value_text`, but a char array that holds a text as that text, and a word on a cut text."""
    text = _char_text(reading)
    value = value_text(reading) if text is None else f'"{text}" (char array of {reading.count})'
    return f"{value} [cut when it was read]" if reading.flags & Flag.CUT else value


def reading_time(readings: Readings, row: int, digits: int) -> str | None:
    """When the value was stamped, as local time with so many digits of the second; None if it never was."""
    seconds, nanoseconds = int(readings.seconds[row]), int(readings.nanoseconds[row])
    if readings.reason[row] != Reason.OK or not (seconds or nanoseconds):
        return None
    whole = datetime.fromtimestamp(EPICS_EPOCH + seconds, UTC).astimezone().isoformat(timespec="seconds")
    # A double holds today's seconds to a quarter of a microsecond only, so the nanoseconds go beside it.
    return f"{whole[:19]}.{nanoseconds:09}"[: 20 + digits] + whole[19:]


def kind_text(header: SnapshotHeader) -> str:
    """`manual`, or `before restore of 1001`."""
    return header.kind if header.restores is None else f"{header.kind} of {header.restores}"


def by_text(origin: Origin) -> str:
    """`user@host`, as far as the client said."""
    return "@".join(part for part in (origin.user, origin.host) if part)


def _char_text(reading: Reading) -> str | None:
    """The text in a char array, None if it is none: printable, and nothing but NULs behind its end."""
    if reading.dbr_type is not DbrType.CHAR or not isinstance(reading.value, np.ndarray):
        return None
    text = decode(reading.value.tobytes().rstrip(b"\0"))
    return text if text and text.isprintable() else None


def _quoted(raw: bytes) -> str:
    return f'"{_in_one_line(decode(raw))}"'


def _in_one_line(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _array_text(elements: list[str], size: int) -> str:
    return f"[{', '.join(elements)}{', ...' if size > len(elements) else ''}] ({size})"


def _number_text(value: Value, reading: Reading) -> str:
    labels = reading.metadata.labels
    if reading.dbr_type is DbrType.ENUM and isinstance(value, int) and value < len(labels):
        return f"{_in_one_line(labels[value])} ({value})"
    if reading.dbr_type is DbrType.FLOAT:
        return str(np.float32(value))  # type: ignore[arg-type]
    return str(value)
