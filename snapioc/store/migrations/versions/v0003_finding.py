"""Finding, editing and pruning: settings, the audit log, window snapshots, and the indexes of lists."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what is new; what is there already stays as it is."""
    _settings()
    _windows()
    _indexes()


def _settings() -> None:
    op.create_table(
        "setting",
        sa.Column("group", sa.String(64), comment="The set's name"),
        sa.Column("name", sa.String(64)),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("group", "name", name="pk_setting"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer),
        sa.Column("at", sa.Double, nullable=False, comment="Unix time"),
        sa.Column("by_user", sa.Text, nullable=False),
        sa.Column("by_host", sa.Text, nullable=False),
        sa.Column("by_group", sa.Text, nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False, comment="No foreign key: what it tells of may be deleted"),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_subject_id", "audit", ["subject", "id"])


def _windows() -> None:
    op.create_table(
        "snapshot_window",
        sa.Column(
            "snapshot_id",
            sa.Integer,
            sa.ForeignKey("snapshot.id", name="fk_snapshot_window_snapshot_id", ondelete="CASCADE"),
        ),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False, comment="Unix time"),
        sa.Column("finished_at", sa.Double, nullable=False, comment="Unix time"),
        sa.PrimaryKeyConstraint("snapshot_id", name="pk_snapshot_window"),
        comment="How many events a window snapshot holds; they lie in blocks of their own.",
    )


def _indexes() -> None:
    # Not a foreign key: SQLite adds none to a table, and to make the table anew would take its links with it.
    op.add_column(
        "snapshot",
        sa.Column("set_id", sa.Integer, nullable=False, server_default="0", comment="Of its version, for the indexes"),
    )
    op.execute("UPDATE snapshot SET set_id = (SELECT set_id FROM set_version WHERE set_version.id = snapshot.version_id)")
    listed = ["kind", "id", "version_id", "taken_at"]
    for columns in (listed, ["set_id", *listed], ["set_id", "kind", "taken_at"]):
        op.create_index(f"ix_snapshot_{'_'.join(columns)}", "snapshot", columns)
