"""Make room for those who watch records, and for what happened on the tracker and is to be told to them.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.Text().with_variant(sa.JSON(), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "mirror_watcher",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("type", sa.Text, primary_key=True),
        sa.Column("created", sa.Boolean, nullable=False),
        sa.Column("changed", sa.Boolean, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("own", sa.Boolean, nullable=False),
        sa.Column("since_start", sa.Boolean, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
    )
    op.create_index("ix_mirror_watcher_type", "mirror_watcher", ["source", "type"])
    op.create_table(
        "mirror_journal",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("watcher", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("record_id", sa.BigInteger, nullable=False),
        sa.Column("happening", sa.Text, nullable=False),
        sa.Column("changes", JSON),
        sa.Column("noted_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("said", sa.Text, nullable=False, server_default=""),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mirror_journal_watcher", "mirror_journal", ["watcher", "id"])


def downgrade() -> None:
    """Drop the tables, with what was not told yet."""
    op.drop_table("mirror_journal")
    op.drop_table("mirror_watcher")
