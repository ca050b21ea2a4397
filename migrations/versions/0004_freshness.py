"""Keep from when on everything of a type is here, and have catalogs discovered anew that say nothing of work items.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the column, and forget by what catalogs are known: the next sync discovers them."""
    op.add_column("mirror_type", sa.Column("complete_at", INSTANT))
    op.execute(sa.update(sa.table("mirror_source", sa.column("digest"))).values(digest=""))


def downgrade() -> None:
    """Drop the column."""
    with op.batch_alter_table("mirror_type") as batch:
        batch.drop_column("complete_at")
