"""Remember of which types replaced versions are kept, and when such records were away.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the column and the table. The history tables themselves are made when a type's history is first kept."""
    op.add_column("mirror_type", sa.Column("history_since", INSTANT))
    op.create_table(
        "mirror_absence",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("type", sa.Text(), primary_key=True),
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("back_at", INSTANT, primary_key=True),
        sa.Column("gone_at", INSTANT, nullable=False),
    )


def downgrade() -> None:
    """Drop both. History tables stay as they are, with all versions that were kept."""
    op.drop_table("mirror_absence")
    with op.batch_alter_table("mirror_type") as batch:
        batch.drop_column("history_since")
