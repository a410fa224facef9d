"""The tables. Values lie in blocks; everything that a list of snapshots or restores shows lies in plain columns."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from snapioc.model import FIRST_ID

from .sqlite import CLUSTERED, NEVER_REUSED

schema = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

pv_set = Table(
    "pv_set",
    schema,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
)

slot = Table(
    "slot",
    schema,
    Column("set_id", Integer, ForeignKey("pv_set.id"), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("pv", Text, nullable=False),
    UniqueConstraint("set_id", "pv"),
    comment="Where a PV lies in the blocks of every snapshot of its set. Never taken away from it.",
    **CLUSTERED,
)

block = Table(
    "block",
    schema,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True, comment="SHA-256 of the content"),
    Column("width", SmallInteger, nullable=False, comment="zstd after a shuffle of numbers of so many bytes"),
    Column("data", LargeBinary, nullable=False),
)

set_version = Table(
    "set_version",
    schema,
    Column("id", Integer, primary_key=True),
    Column("set_id", Integer, ForeignKey("pv_set.id"), nullable=False),
    Column("digest", String(64), nullable=False, comment="PvSet.digest"),
    Column("created_at", Double, nullable=False, comment="Unix time"),
    Column("members", Integer, nullable=False),
    Column("slots", LargeBinary, nullable=False, comment="The slot of each PV of PvSet.pvs in its order, packed"),
    UniqueConstraint("set_id", "digest"),
)

set_block = Table(
    "set_block",
    schema,
    Column("version_id", Integer, ForeignKey("set_version.id"), primary_key=True),
    Column("first_slot", Integer, primary_key=True, autoincrement=False),
    Column("block_id", Integer, ForeignKey("block.id"), nullable=False, index=True),
    comment="What the set says of the members in 1,024 slots: a line of JSON each.",
    **CLUSTERED,
)

channel_metadata = Table(
    "channel_metadata",
    schema,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("content", Text, nullable=False),
)

snapshot = Table(
    "snapshot",
    schema,
    Column("id", Integer, Identity(start=FIRST_ID), primary_key=True),
    Column("version_id", Integer, ForeignKey("set_version.id"), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("taken_at", Double, nullable=False, comment="Unix time of the first request"),
    Column("finished_at", Double, nullable=False, comment="Unix time of the last reply"),
    Column("title", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("by_user", Text, nullable=False),
    Column("by_host", Text, nullable=False),
    Column("by_group", Text, nullable=False),
    Column("restores", Integer, comment="No foreign key: the snapshot that was restored may be deleted"),
    Column("total", Integer, nullable=False),
    Column("ok", Integer, nullable=False),
    Column("invalid", Integer, nullable=False),
    Index(None, "by_group", "kind", "id"),
    **NEVER_REUSED,
)

tag = Table(
    "tag",
    schema,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

snapshot_tag = Table(
    "snapshot_tag",
    schema,
    Column("snapshot_id", Integer, ForeignKey("snapshot.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("tag_id", Integer, ForeignKey("tag.id"), nullable=False, index=True),
    **CLUSTERED,
)

snapshot_block = Table(
    "snapshot_block",
    schema,
    Column("snapshot_id", Integer, ForeignKey("snapshot.id", ondelete="CASCADE"), primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False, comment="columns.Column"),
    Column("first_slot", Integer, primary_key=True, autoincrement=False),
    Column("block_id", Integer, ForeignKey("block.id"), nullable=False, index=True),
    **CLUSTERED,
)

released_block = Table(
    "released_block",
    schema,
    Column("block_id", Integer, ForeignKey("block.id", ondelete="CASCADE"), primary_key=True),
    comment="Blocks of deleted snapshots, until it was looked at whether another one still uses them.",
)

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
    Column("by_user", Text, nullable=False),
    Column("by_host", Text, nullable=False),
    Column("by_group", Text, nullable=False),
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
