"""Keep positions of watermarks, the roles that the view work_item shows, and what the last verification found.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.Text().with_variant(sa.JSON(), "postgresql")
COUNTS = ("records", "missing", "stale", "surplus", "sampled", "differing")


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("mirror_watermark", sa.Column("position", sa.BigInteger()))
    op.add_column("mirror_source", sa.Column("url", sa.Text(), nullable=False, server_default=""))
    op.add_column("mirror_type", sa.Column("work_item", JSON))
    op.create_table(
        "mirror_verification",
        sa.Column("source", sa.Text(), primary_key=True, nullable=False),
        sa.Column("type", sa.Text(), primary_key=True, nullable=False),
        sa.Column("verified_at", INSTANT, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.Column("repaired", sa.Boolean(), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("mirror_verification")
    for table, name in (("mirror_type", "work_item"), ("mirror_source", "url"), ("mirror_watermark", "position")):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(name)
