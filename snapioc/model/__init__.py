"""Plain data and pure functions over numpy columns: what every other room speaks. Imports nothing but numpy."""

from .aftermath import Aftermath, classify, same
from .alarm import DISABLE, status_text
from .channel_states import ChannelStates
from .check import Checked, check, single_numbers
from .compare import Verdict, close, compare
from .comparison import LIVE, Comparison, asked_pvs, chosen_pvs, compare_live, compare_snapshots
from .dbr import DTYPES, EPICS_EPOCH, MAX_STRING, DbrType, Flag, Reason, Severity
from .differences import Difference, differences, largest_first
from .errors import ConfigError, Refused, SnapError, StoreError, UnknownSnapshot
from .events import Events
from .exact import exactly
from .finding import AuditEntry, Page, Wanted
from .following import compare_again, found_same
from .hosts import HostState
from .joining import joined_events, joined_readings
from .names import canonical_name, filter_fault, long_text_name, matches, name_fault, spellings
from .outcome import Outcome
from .plan import Selection, select, select_all
from .pvset import Member, Mode, OnInvalid, PvSet
from .reading import LIMITS, Metadata, Reading, Value
from .readings import Readings
from .readings_builder import ReadingsBuilder
from .restore_record import NewRestore, Outcomes, PvVerdict, RestoreEnd, RestoreRecord
from .snapshot import (
    AFTER_RESTORE,
    AUTOMATIC,
    BEFORE_RESTORE,
    FIRST_ID,
    GOLDEN_ID,
    MANUAL,
    NewSnapshot,
    Origin,
    Snapshot,
    SnapshotHeader,
    count_invalid,
)
from .text import by_text, decode, kind_text, reading_time, shown, value_text

__all__ = [
    "AFTER_RESTORE",
    "AUTOMATIC",
    "BEFORE_RESTORE",
    "DISABLE",
    "DTYPES",
    "EPICS_EPOCH",
    "FIRST_ID",
    "GOLDEN_ID",
    "LIMITS",
    "LIVE",
    "MANUAL",
    "MAX_STRING",
    "Aftermath",
    "AuditEntry",
    "ChannelStates",
    "Checked",
    "Comparison",
    "ConfigError",
    "DbrType",
    "Difference",
    "Events",
    "Flag",
    "HostState",
    "Member",
    "Metadata",
    "Mode",
    "NewRestore",
    "NewSnapshot",
    "OnInvalid",
    "Origin",
    "Outcome",
    "Outcomes",
    "Page",
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
    "Wanted",
    "asked_pvs",
    "by_text",
    "canonical_name",
    "check",
    "chosen_pvs",
    "classify",
    "close",
    "compare",
    "compare_again",
    "compare_live",
    "compare_snapshots",
    "count_invalid",
    "decode",
    "differences",
    "exactly",
    "filter_fault",
    "found_same",
    "joined_events",
    "joined_readings",
    "kind_text",
    "largest_first",
    "long_text_name",
    "matches",
    "name_fault",
    "reading_time",
    "same",
    "select",
    "select_all",
    "single_numbers",
    "shown",
    "status_text",
    "spellings",
    "value_text",
]
