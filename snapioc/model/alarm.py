"""Alarm statuses: what the alarm of a record says besides its severity (alarm.h)."""

STATUSES = (
    *("NO_ALARM", "READ", "WRITE", "HIHI", "HIGH", "LOLO", "LOW", "STATE", "COS", "COMM", "TIMEOUT", "HWLIMIT"),
    *("CALC", "SCAN", "LINK", "SOFT", "BAD_SUB", "UDF", "DISABLE", "SIMM", "READ_ACCESS", "WRITE_ACCESS"),
)

DISABLE = STATUSES.index("DISABLE")
"""A record that is disabled (DISA equals DISV) takes values, but is not processed."""


def status_text(status: int) -> str:
    """The status as EPICS names it."""
    return STATUSES[status] if status < len(STATUSES) else f"status {status}"
