"""The first schema."""

import sqlalchemy as sa
from alembic import op

from snapioc.store.sqlite import start_ids

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _sets()
    _snapshots()
    _links()
    if op.get_context().dialect.name == "sqlite":
        start_ids(op.get_bind(), "snapshot", 1001)


def _sets() -> None:
    op.create_table(
        "pv_set",
        sa.Column("id", sa.Integer),
        sa.Column("name", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pv_set"),
        sa.UniqueConstraint("name", name="uq_pv_set_name"),
    )
    op.create_table(
        "slot",
        sa.Column("set_id", sa.Integer, sa.ForeignKey("pv_set.id", name="fk_slot_set_id")),
        sa.Column("slot", sa.Integer, autoincrement=False),
        sa.Column("pv", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("set_id", "slot", name="pk_slot"),
        sa.UniqueConstraint("set_id", "pv", name="uq_slot_set_id_pv"),
        comment="Where a PV lies in the blocks of every snapshot of its set. Never taken away from it.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "block",
        sa.Column("id", sa.Integer),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, comment="SHA-256 of the content"),
        sa.Column("width", sa.SmallInteger, nullable=False, comment="zstd after a shuffle of numbers of so many bytes"),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_block"),
        sa.UniqueConstraint("digest", name="uq_block_digest"),
    )
    op.create_table(
        "set_version",
        sa.Column("id", sa.Integer),
        sa.Column("set_id", sa.Integer, sa.ForeignKey("pv_set.id", name="fk_set_version_set_id"), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, comment="PvSet.digest"),
        sa.Column("created_at", sa.Double, nullable=False, comment="Unix time"),
        sa.Column("members", sa.Integer, nullable=False),
        sa.Column("slots", sa.LargeBinary, nullable=False, comment="The slot of each PV of PvSet.pvs in its order, packed"),
        sa.PrimaryKeyConstraint("id", name="pk_set_version"),
        sa.UniqueConstraint("set_id", "digest", name="uq_set_version_set_id_digest"),
    )
    op.create_table(
        "set_block",
        sa.Column("version_id", sa.Integer, sa.ForeignKey("set_version.id", name="fk_set_block_version_id")),
        sa.Column("first_slot", sa.Integer, autoincrement=False),
        sa.Column("block_id", sa.Integer, sa.ForeignKey("block.id", name="fk_set_block_block_id"), nullable=False),
        sa.PrimaryKeyConstraint("version_id", "first_slot", name="pk_set_block"),
        comment="What the set says of the members in 1,024 slots: a line of JSON each.",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_set_block_block_id", "set_block", ["block_id"])


def _snapshots() -> None:
    op.create_table(
        "channel_metadata",
        sa.Column("id", sa.Integer),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_channel_metadata"),
        sa.UniqueConstraint("digest", name="uq_channel_metadata_digest"),
    )
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer, sa.Identity(start=1001)),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("set_version.id", name="fk_snapshot_version_id"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("taken_at", sa.Double, nullable=False, comment="Unix time of the first request"),
        sa.Column("finished_at", sa.Double, nullable=False, comment="Unix time of the last reply"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("by_user", sa.Text, nullable=False),
        sa.Column("by_host", sa.Text, nullable=False),
        sa.Column("by_group", sa.Text, nullable=False),
        sa.Column("restores", sa.Integer, comment="No foreign key: the snapshot that was restored may be deleted"),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("ok", sa.Integer, nullable=False),
        sa.Column("invalid", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_snapshot_version_id", "snapshot", ["version_id"])
    op.create_index("ix_snapshot_by_group_kind_id", "snapshot", ["by_group", "kind", "id"])
    op.create_table(
        "tag",
        sa.Column("id", sa.Integer),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tag"),
        sa.UniqueConstraint("name", name="uq_tag_name"),
    )


def _links() -> None:
    snapshot = "snapshot.id"
    op.create_table(
        "snapshot_tag",
        sa.Column(
            "snapshot_id", sa.Integer, sa.ForeignKey(snapshot, name="fk_snapshot_tag_snapshot_id", ondelete="CASCADE")
        ),
        sa.Column("position", sa.Integer, autoincrement=False),
        sa.Column("tag_id", sa.Integer, sa.ForeignKey("tag.id", name="fk_snapshot_tag_tag_id"), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "position", name="pk_snapshot_tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_snapshot_tag_tag_id", "snapshot_tag", ["tag_id"])
    op.create_table(
        "snapshot_block",
        sa.Column(
            "snapshot_id", sa.Integer, sa.ForeignKey(snapshot, name="fk_snapshot_block_snapshot_id", ondelete="CASCADE")
        ),
        sa.Column("part", sa.SmallInteger, autoincrement=False, comment="columns.Column"),
        sa.Column("first_slot", sa.Integer, autoincrement=False),
        sa.Column("block_id", sa.Integer, sa.ForeignKey("block.id", name="fk_snapshot_block_block_id"), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "part", "first_slot", name="pk_snapshot_block"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_snapshot_block_block_id", "snapshot_block", ["block_id"])
    op.create_table(
        "released_block",
        sa.Column("block_id", sa.Integer, sa.ForeignKey("block.id", name="fk_released_block_block_id", ondelete="CASCADE")),
        sa.PrimaryKeyConstraint("block_id", name="pk_released_block"),
        comment="Blocks of deleted snapshots, until it was looked at whether another one still uses them.",
    )
