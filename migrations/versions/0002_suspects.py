"""Remember across a crash which records are to be read again, and who referred to a record that vanished.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table("mirror_suspect", *_key("source", "kind", "type"), _id("id"))
    op.create_table("mirror_referrer", *_key("source", "type"), _id("id"), *_key("referrer_type"), _id("referrer_id"))


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("mirror_referrer")
    op.drop_table("mirror_suspect")


def _key(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), primary_key=True, nullable=False) for name in names]


def _id(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), primary_key=True, autoincrement=False, nullable=False)
