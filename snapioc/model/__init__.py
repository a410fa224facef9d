"""Plain data and pure functions over numpy columns: what every other room speaks. Imports nothing but numpy."""

from .channel_states import ChannelStates
from .compare import Verdict, close, compare
from .dbr import DTYPES, EPICS_EPOCH, MAX_STRING, DbrType, Flag, Reason, Severity
from .errors import ConfigError, Refused, SnapError, StoreError, UnknownSnapshot
from .names import canonical_name, long_text_name, matches, name_fault
from .outcome import Outcome
from .plan import Checked, Selection, check, select
from .pvset import Member, Mode, OnInvalid, PvSet
from .readings import LIMITS, Metadata, Reading, Readings, ReadingsBuilder, Value
from .restore_record import NewRestore, Outcomes, PvVerdict, RestoreEnd, RestoreRecord
from .snapshot import (
    AFTER_RESTORE,
    BEFORE_RESTORE,
    FIRST_ID,
    MANUAL,
    NewSnapshot,
    Origin,
    Snapshot,
    SnapshotHeader,
    count_invalid,
)
from .text import decode, value_text

__all__ = [
    "AFTER_RESTORE",
    "BEFORE_RESTORE",
    "DTYPES",
    "EPICS_EPOCH",
    "FIRST_ID",
    "LIMITS",
    "MANUAL",
    "MAX_STRING",
    "ChannelStates",
    "Checked",
    "ConfigError",
    "DbrType",
    "Flag",
    "Member",
    "Metadata",
    "Mode",
    "NewRestore",
    "NewSnapshot",
    "OnInvalid",
    "Origin",
    "Outcome",
    "Outcomes",
    "PvSet",
    "PvVerdict",
    "Reading",
    "Readings",
    "ReadingsBuilder",
    "Reason",
    "Refused",
    "RestoreEnd",
    "RestoreRecord",
    "Selection",
    "Severity",
    "SnapError",
    "Snapshot",
    "SnapshotHeader",
    "StoreError",
    "UnknownSnapshot",
    "Value",
    "Verdict",
    "canonical_name",
    "check",
    "close",
    "compare",
    "count_invalid",
    "decode",
    "long_text_name",
    "matches",
    "name_fault",
    "select",
    "value_text",
]
