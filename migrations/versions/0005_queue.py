"""Make room for changes that wait to be written to the tracker, and for what became of them.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mirror.errors import UsageError
from mirror.store import capture

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.Text().with_variant(sa.JSON(), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add tables and columns, and forget by what catalogs are known: the next sync learns what may be done to each type."""
    op.add_column("mirror_type", sa.Column("actions", JSON, nullable=False, server_default="[]"))
    op.add_column("mirror_type", sa.Column("operations", JSON, nullable=False, server_default="[]"))
    op.add_column("mirror_field", sa.Column("create_only", sa.Boolean, nullable=False, server_default=sa.false()))
    writing = op.create_table(
        "mirror_writing",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    op.bulk_insert(writing, [{"id": 1, "active": False}])
    op.create_table(
        "mirror_change",
        sa.Column("id", NUMBER, primary_key=True),
        *_changed(),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("remote", JSON),
        *_made(),
        sa.Column("lost_at", INSTANT),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mirror_change_record", "mirror_change", ["source", "type", "record_id"])
    op.create_table(
        "mirror_log",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("change_id", sa.BigInteger, nullable=False),
        *_changed(defaults=False),
        sa.Column("temporary_id", sa.BigInteger),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("remote", JSON),
        sa.Column("revision", sa.Text),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        *_made(defaults=False),
        sa.Column("settled_at", INSTANT, nullable=False),
    )
    op.create_index("ix_mirror_log_record", "mirror_log", ["source", "type", "record_id"])
    op.create_table(
        "mirror_blob",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.execute(sa.update(sa.table("mirror_source", sa.column("digest"))).values(digest=""))


def downgrade() -> None:
    """Drop the tables and columns, and the triggers that would write to them.

    Raises:
        UsageError: edits wait. Without the queue nobody could tell them from what the tracker has.
    """
    waiting = op.get_bind().scalar(sa.select(sa.func.count()).select_from(sa.table("mirror_change")))
    if waiting:
        raise UsageError(f"{waiting} changes wait to be pushed: push or discard them before the database is downgraded")
    capture.clear(op.get_bind())
    for name in ("mirror_blob", "mirror_log", "mirror_change", "mirror_writing"):
        op.drop_table(name)
    with op.batch_alter_table("mirror_field") as batch:
        batch.drop_column("create_only")
    with op.batch_alter_table("mirror_type") as batch:
        batch.drop_column("operations")
        batch.drop_column("actions")


def _changed(*, defaults: bool = True) -> list[sa.Column]:
    empty = "" if defaults else None
    return [
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("record_id", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False, server_default=empty),
        sa.Column("item", sa.Text, nullable=False, server_default=empty),
        sa.Column("base", JSON),
        sa.Column("value", JSON),
        sa.Column("base_revision", sa.Text),
    ]


def _made(*, defaults: bool = True) -> list[sa.Column]:
    return [
        sa.Column("attempt", sa.BigInteger),
        sa.Column("sent_at", INSTANT),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False, server_default="" if defaults else None),
        sa.Column("via", sa.Text, nullable=False),
    ]
