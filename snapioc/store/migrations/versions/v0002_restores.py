"""Records of restores."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of restores; what is there already stays as it is."""
    op.create_table(
        "restore",
        sa.Column("id", sa.Integer),
        sa.Column("set_id", sa.Integer, sa.ForeignKey("pv_set.id", name="fk_restore_set_id"), nullable=False),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("set_version.id", name="fk_restore_version_id"), nullable=False),
        sa.Column("snapshot_id", sa.Integer, nullable=False, comment="No foreign key: it may be deleted"),
        sa.Column("undo_id", sa.Integer, comment="The snapshot before it; no foreign key: it may be deleted"),
        sa.Column("after_id", sa.Integer, comment="The snapshot after it; no foreign key: it may be deleted"),
        sa.Column("undoes", sa.Integer, comment="The restore that it takes back"),
        sa.Column("begun_at", sa.Double, nullable=False, comment="Unix time"),
        sa.Column("ended_at", sa.Double, comment="Unix time; none while it is unfinished"),
        sa.Column("by_user", sa.Text, nullable=False),
        sa.Column("by_host", sa.Text, nullable=False),
        sa.Column("by_group", sa.Text, nullable=False),
        sa.Column("filter", sa.Text, nullable=False),
        sa.Column("policy", sa.String(32), nullable=False),
        sa.Column("changed_only", sa.Boolean, nullable=False),
        sa.Column("verify", sa.Boolean, nullable=False),
        sa.Column("result", sa.String(32), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("written", sa.Integer, nullable=False),
        sa.Column("outcomes", sa.LargeBinary, comment="outcome_blob; last, so that a list of restores does not read it"),
        sa.PrimaryKeyConstraint("id", name="pk_restore"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_restore_set_id_id", "restore", ["set_id", "id"])
    op.create_index("ix_restore_ended_at", "restore", ["ended_at"])
