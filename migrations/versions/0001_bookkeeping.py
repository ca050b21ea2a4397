"""Create the bookkeeping tables: what is mirrored, how far it has come, and what went wrong.

Record tables are not made by migrations; they follow the catalog of the tracker.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.Text().with_variant(sa.JSON(), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create all tables."""
    _create_catalogue()
    _create_progress()
    _create_remains()
    _create_runs()


def downgrade() -> None:
    """Drop all tables; the record tables stay."""
    for name in (
        "mirror_note",
        "mirror_failure",
        "mirror_run",
        "mirror_lease",
        "mirror_quarantine",
        "mirror_tombstone",
        "mirror_watermark",
        "mirror_slice",
        "mirror_field",
        "mirror_type",
        "mirror_source",
    ):
        op.drop_table(name)


def _text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null)


def _create_catalogue() -> None:
    op.create_table(
        "mirror_source",
        _text("name", key=True),
        _text("tracker"),
        _text("digest"),
        sa.Column("adopted_at", INSTANT, nullable=False),
    )
    op.create_table(
        "mirror_type",
        _text("source", key=True),
        _text("type", key=True),
        _text("tracker"),
        _text("table_name"),
        _text("display_name"),
        _text("tracking"),
        _text("key_field", null=True),
        _text("name_field", null=True),
        _text("stamp_field", null=True),
        sa.Column("restorable", sa.Boolean(), nullable=False),
        sa.Column("transient", sa.Boolean(), nullable=False),
        _text("family"),
        _text("state"),
        sa.Column("vanished_at", INSTANT),
        sa.Column("grown", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("loaded", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("synced_at", INSTANT),
    )
    op.create_table(
        "mirror_field",
        _text("source", key=True),
        _text("type", key=True),
        _text("column_name", key=True),
        _text("field"),
        _text("part"),
        _text("kind"),
        _text("column_kind"),
        sa.Column("position", sa.Integer(), nullable=False),
        _text("display_name"),
        _text("native_type"),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("custom", sa.Boolean(), nullable=False),
        sa.Column("polymorphic", sa.Boolean(), nullable=False),
        sa.Column("targets", JSON, nullable=False),
        sa.Column("allowed_values", JSON, nullable=False),
        sa.Column("max_length", sa.BigInteger()),
        sa.Column("vanished_at", INSTANT),
    )


def _create_progress() -> None:
    op.create_table(
        "mirror_slice",
        _text("source", key=True),
        _text("type", key=True),
        sa.Column("until_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "mirror_watermark",
        _text("source", key=True),
        _text("type", key=True),
        sa.Column("changed_until", INSTANT, nullable=False),
    )
    op.create_table("mirror_note", _text("source", key=True), _text("key", key=True), _text("value"))


def _create_remains() -> None:
    op.create_table(
        "mirror_tombstone",
        _text("source", key=True),
        _text("type", key=True),
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        _text("reason"),
        sa.Column("last_row", JSON, nullable=False),
        sa.Column("last_links", JSON),
        sa.Column("tombstoned_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.Column("merged_into", sa.BigInteger()),
    )
    op.create_table(
        "mirror_quarantine",
        _text("source", key=True),
        _text("type", key=True),
        _text("record", key=True),
        sa.Column("id", sa.BigInteger()),
        _text("reason"),
        _text("document"),
        sa.Column("seen_at", INSTANT, nullable=False),
    )


def _create_runs() -> None:
    op.create_table(
        "mirror_lease",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        _text("holder"),
        sa.Column("since", INSTANT, nullable=False),
    )
    op.create_table(
        "mirror_run",
        sa.Column("id", NUMBER, primary_key=True),
        _text("source"),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        _text("outcome", null=True),
        sa.Column("requests", sa.BigInteger()),
        sa.Column("inserted", sa.BigInteger()),
        sa.Column("updated", sa.BigInteger()),
        sa.Column("unchanged", sa.BigInteger()),
        sa.Column("tombstoned", sa.BigInteger()),
        sa.Column("quarantined", sa.BigInteger()),
    )
    op.create_index("ix_mirror_run_source", "mirror_run", ["source", "id"])
    op.create_table(
        "mirror_failure",
        sa.Column("run", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        _text("type"),
        _text("phase"),
        _text("reason"),
    )
