"""One reading: a PV's value with all that is known of it, for people and converters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from .dbr import DbrType, Flag, Reason

Value: TypeAlias = int | float | bytes | list[bytes] | NDArray[Any]
"""One value for a person or a converter: a number, a string as bytes, an array, or an array of strings."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What DBR_CTRL says of a channel besides its value; limits in the order of `LIMITS`."""

    units: str = ""
    precision: int = 0
    labels: tuple[str, ...] = ()
    limits: tuple[float, ...] = ()
    element_count: int = 1


LIMITS = (
    "upper_disp_limit",
    "lower_disp_limit",
    "upper_alarm_limit",
    "upper_warning_limit",
    "lower_warning_limit",
    "lower_alarm_limit",
    "upper_ctrl_limit",
    "lower_ctrl_limit",
)
"""The names of `Metadata.limits`, in the order of db_access.h."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of Readings, for people: a PV's value with all that is known of it."""

    reason: Reason
    dbr_type: DbrType = DbrType.DOUBLE
    count: int = 0
    value: Value | None = None
    timestamp: float = 0.0
    status: int = 0
    severity: int = 0
    flags: Flag = Flag.NONE
    metadata: Metadata = Metadata()
