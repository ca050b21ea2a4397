"""The upsert both databases share, and the staging table in which rows are compared with what is stored.

A row whose revision is stored already is not written, and one with an older change time never replaces a newer one.
Statements are compiled once for a layout: compiling for a hundred columns takes longer than writing ten rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Column, ColumnElement, Connection, MetaData, Select, Table, and_, or_, select

from mirror.model.page import LinkRow, Row
from mirror.store.record_tables import RecordTable, short_digest

if TYPE_CHECKING:
    from mirror.store.dialects import Insert


class Writer(Protocol):
    """Writes the rows of one layout in the way that is fastest on its database."""

    target: RecordTable

    def __init__(self, target: RecordTable) -> None: ...

    def insert(self, connection: Connection, rows: list[Row], *, now: datetime) -> None:
        """Store rows whose ids are not there yet."""
        ...

    def upsert(self, connection: Connection, rows: list[Row], *, now: datetime, force: bool) -> None:
        """Insert or update rows with distinct ids; with `force` without a look at revision and change time."""
        ...

    def insert_links(self, connection: Connection, field: str, rows: Sequence[LinkRow]) -> None:
        """Store link rows of owners that have none in this table."""
        ...

    def stage(self, connection: Connection, rows: list[Row]) -> None:
        """Fill the staging table with exactly these rows."""
        ...

    def differing(self, connection: Connection) -> set[int]:
        """Return the ids of staged rows that are stored with other values."""
        ...


def staging_table(target: RecordTable) -> Table:
    """Return the temporary table with the columns of a row; its name changes with them."""
    names = row_columns(target)
    digest = short_digest(" ".join((target.table.name, *names)))
    columns = [Column(name, target.table.c[name].type) for name in names]
    return Table(f"staging_{digest}", MetaData(), *columns, prefixes=["TEMPORARY"])


def row_columns(target: RecordTable) -> list[str]:
    """Return the names of the columns that a row fills, in its order."""
    return list(target.table.columns.keys())[:-2]


def on_conflict(target: RecordTable, statement: Insert, *, force: bool) -> Insert:
    """Return the INSERT with what happens when the id is stored already."""
    table, new = target.table, statement.excluded
    values = {name: new[name] for name in (*row_columns(target), "_synced_at") if name not in ("source", "id")}
    wanted: ColumnElement[bool] | None = None
    if not force:
        newer = or_(table.c._changed_at.is_(None), new._changed_at.is_(None), new._changed_at >= table.c._changed_at)
        wanted = and_(table.c._revision.is_distinct_from(new._revision), newer)
    return statement.on_conflict_do_update(index_elements=["source", "id"], set_=values, where=wanted)


def differing_ids(target: RecordTable, staging: Table, text_of: dict[str, ColumnElement[Any]]) -> Select[tuple[int]]:
    """Return the query for ids whose staged row differs from the stored one.

    Args:
        text_of: for columns of types that the database cannot compare, what to compare instead.
    """
    table = target.table
    same = and_(table.c.source == staging.c.source, table.c.id == staging.c.id)
    differences = [
        text_of.get(name, table.c[name]).is_distinct_from(text_of.get(f"staging.{name}", staging.c[name]))
        for name in row_columns(target)
        if name not in ("source", "id")
    ]
    return select(staging.c.id).select_from(staging.join(table, same)).where(or_(*differences))
