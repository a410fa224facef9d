"""Readings and headers as text and as JSON; pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np

from snapioc.model import (
    DbrType,
    Flag,
    Reading,
    Readings,
    Reason,
    Severity,
    SnapshotHeader,
    Value,
    by_text,
    decode,
    kind_text,
    reading_time,
)

__all__ = [
    "Json",
    "by_text",
    "header_json",
    "kind_text",
    "local_time",
    "reading_json",
    "reading_time",
    "severity_text",
]

Json = dict[str, object]


def local_time(unix: float) -> str:
    """Local time in ISO 8601 with its offset, to the second."""
    return datetime.fromtimestamp(unix, UTC).astimezone().isoformat(timespec="seconds")


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
