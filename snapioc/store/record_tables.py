"""The tables of what was done and set: restores, the audit log, and settings. Part of the schema of `tables`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from .sqlite import CLUSTERED, NEVER_REUSED
from .tables import origin, schema

restore = Table(
    "restore",
    schema,
    Column("id", Integer, primary_key=True),
    Column("set_id", Integer, ForeignKey("pv_set.id"), nullable=False),
    Column("version_id", Integer, ForeignKey("set_version.id"), nullable=False),
    Column("snapshot_id", Integer, nullable=False, comment="No foreign key: it may be deleted"),
    Column("undo_id", Integer, comment="The snapshot before it; no foreign key: it may be deleted"),
    Column("after_id", Integer, comment="The snapshot after it; no foreign key: it may be deleted"),
    Column("undoes", Integer, comment="The restore that it takes back"),
    Column("begun_at", Double, nullable=False, comment="Unix time"),
    Column("ended_at", Double, index=True, comment="Unix time; none while it is unfinished"),
    *origin(),
    Column("filter", Text, nullable=False),
    Column("policy", String(32), nullable=False),
    Column("changed_only", Boolean, nullable=False),
    Column("verify", Boolean, nullable=False),
    Column("result", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Column("written", Integer, nullable=False),
    Column("outcomes", LargeBinary, comment="outcome_blob; last, so that a list of restores does not read it"),
    Index(None, "set_id", "id"),
    **NEVER_REUSED,
)

setting = Table(
    "setting",
    schema,
    Column("group", String(64), primary_key=True, comment="The set's name"),
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    **CLUSTERED,
)

audit = Table(
    "audit",
    schema,
    Column("id", Integer, primary_key=True),
    Column("at", Double, nullable=False, comment="Unix time"),
    *origin(),
    Column("what", String(32), nullable=False),
    Column("subject", String(64), nullable=False, comment="No foreign key: what it tells of may be deleted"),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Index(None, "subject", "id"),
    **NEVER_REUSED,
)
