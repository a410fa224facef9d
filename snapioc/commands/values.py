"""Readings, headers and differences as text and as JSON; pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np

from snapioc.model import (
    BEFORE_RESTORE,
    EPICS_EPOCH,
    DbrType,
    Flag,
    Reading,
    Readings,
    Reason,
    Severity,
    SnapshotHeader,
    Value,
    decode,
    value_text,
)

Json = dict[str, object]


def local_time(unix: float) -> str:
    """Local time in ISO 8601 with its offset, to the second."""
    return datetime.fromtimestamp(unix, UTC).astimezone().isoformat(timespec="seconds")


def reading_time(readings: Readings, row: int, digits: int) -> str | None:
    """When the value was stamped, as local time with so many digits of the second; None if it never was."""
    seconds, nanoseconds = int(readings.seconds[row]), int(readings.nanoseconds[row])
    if readings.reason[row] != Reason.OK or not (seconds or nanoseconds):
        return None
    whole = datetime.fromtimestamp(EPICS_EPOCH + seconds, UTC).astimezone().isoformat(timespec="seconds")
    # A double holds today's seconds to a quarter of a microsecond only, so the nanoseconds go beside it.
    return f"{whole[:19]}.{nanoseconds:09}"[: 20 + digits] + whole[19:]


def shown(reading: Reading) -> str:
    """The value for people: `value_text`, but a char array that holds a text as that text."""
    text = _char_text(reading)
    value = value_text(reading) if text is None else f'"{text}" (char array of {reading.count})'
    return f"{value} [cut when it was read]" if reading.flags & Flag.CUT else value


def severity_text(severity: int) -> str:
    """`MINOR`, `MAJOR`, `INVALID`; nothing where there is no alarm."""
    return _severity(severity) if severity else ""


def header_json(header: SnapshotHeader) -> Json:
    """All that is known of a snapshot besides its values; times in ISO 8601, `skew_ms` in milliseconds."""
    return {
        "id": header.id,
        "time": local_time(header.taken_at),
        "set": header.set_name,
        "set_version": header.set_digest,
        "kind": header.kind,
        "restores": header.restores,
        "title": header.title,
        "comment": header.comment,
        "tags": list(header.tags),
        "user": header.origin.user,
        "host": header.origin.host,
        "group": header.origin.group,
        "total": header.total,
        "ok": header.ok,
        "missing": header.missing,
        "invalid": header.invalid,
        "skew_ms": header.skew * 1e3,
    }


def kind_text(header: SnapshotHeader) -> str:
    """`manual`, or `before restore of 1001`."""
    return f"{header.kind} of {header.restores}" if header.kind == BEFORE_RESTORE else header.kind


def by_text(header: SnapshotHeader) -> str:
    """`user@host`, as far as the client said."""
    return "@".join(part for part in (header.origin.user, header.origin.host) if part)


def reading_json(pv: str, readings: Readings, row: int) -> Json:
    """One value with all that is known of it; of a missing one only the reason."""
    reading = readings.reading(row)
    if reading.reason is not Reason.OK:
        return {"pv": pv, "reason": reading.reason.text}
    known = reading.metadata
    return {
        "pv": pv,
        "reason": reading.reason.text,
        "type": reading.dbr_type.name,
        "count": reading.count,
        "value": _json_value(reading.value),
        "label": _label(reading),
        "units": known.units,
        "precision": known.precision,
        "severity": _severity(reading.severity),
        "status": reading.status,
        "time": reading_time(readings, row, 9),
        "cut": bool(reading.flags & Flag.CUT),
    }


def difference_text(stored: Reading, other: Reading) -> str:
    """By how much two readings differ, where a number says it: `+0.25`, `3 of 16 elements, at most 0.5`."""
    if stored.value is None or other.value is None:
        return ""
    if DbrType.STRING in (stored.dbr_type, other.dbr_type):
        same = stored.dbr_type == other.dbr_type
        return "" if same else f"{stored.dbr_type.name} -> {other.dbr_type.name}"
    if stored.count != other.count:
        return f"{stored.count} -> {other.count} elements"
    if DbrType.ENUM in (stored.dbr_type, other.dbr_type):
        return ""
    left, right = (np.atleast_1d(np.asarray(reading.value, np.float64)) for reading in (stored, other))
    with np.errstate(invalid="ignore", over="ignore"):
        difference = right - left
    if difference.size == 1:
        return f"{difference[0]:+.6g}" if math.isfinite(difference[0]) else ""
    unequal = (left != right) & ~(np.isnan(left) & np.isnan(right))
    return f"{np.count_nonzero(unequal)} of {difference.size} elements, at most {np.abs(difference[unequal]).max():.6g}"


def _char_text(reading: Reading) -> str | None:
    """The text in a char array, None if it is none: printable, and nothing but NULs behind its end."""
    if reading.dbr_type is not DbrType.CHAR or not isinstance(reading.value, np.ndarray):
        return None
    text = decode(reading.value.tobytes().rstrip(b"\0"))
    return text if text and text.isprintable() else None


def _label(reading: Reading) -> str | None:
    labels = reading.metadata.labels
    index = reading.value
    is_known = reading.dbr_type is DbrType.ENUM and isinstance(index, int) and index < len(labels)
    return labels[index] if is_known and isinstance(index, int) else None


def _severity(severity: int) -> str:
    known = severity in Severity.__members__.values()
    return Severity(severity).name if known else str(severity)


def _json_value(value: Value | None) -> object:
    if isinstance(value, bytes):
        return decode(value)
    if isinstance(value, list):
        return [decode(element) for element in value]
    if isinstance(value, np.ndarray):
        return [_json_number(element) for element in value.tolist()]
    return _json_number(value)


def _json_number(number: object) -> object:
    """JSON has no NaN and no infinities."""
    if isinstance(number, float) and not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    return number
