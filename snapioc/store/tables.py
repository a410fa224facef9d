"""The tables of sets and snapshots. Values lie in blocks; everything that a list shows lies in plain columns."""

from __future__ import annotations

from sqlalchemy import (
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


def origin() -> list[Column[str]]:
    """The columns that say who did it."""
    return [Column(name, Text, nullable=False) for name in ("by_user", "by_host", "by_group")]


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
    *origin(),
    Column("restores", Integer, comment="No foreign key: the snapshot that was restored may be deleted"),
    Column("total", Integer, nullable=False),
    Column("ok", Integer, nullable=False),
    Column("invalid", Integer, nullable=False),
    Column("set_id", Integer, nullable=False, server_default="0", comment="Of its version, for the indexes"),
    Index(None, "by_group", "kind", "id"),
    Index(None, "kind", "id", "version_id", "taken_at"),
    Index(None, "set_id", "kind", "id", "version_id", "taken_at"),
    Index(None, "set_id", "kind", "taken_at"),
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

snapshot_window = Table(
    "snapshot_window",
    schema,
    Column("snapshot_id", Integer, ForeignKey("snapshot.id", ondelete="CASCADE"), primary_key=True),
    Column("events", Integer, nullable=False),
    *(Column(name, Double, nullable=False, comment="Unix time") for name in ("started_at", "finished_at")),
    comment="How many events a window snapshot holds; they lie in blocks of their own.",
)

released_block = Table(
    "released_block",
    schema,
    Column("block_id", Integer, ForeignKey("block.id", ondelete="CASCADE"), primary_key=True),
    comment="Blocks of deleted snapshots, until it was looked at whether another one still uses them.",
)
