"""The tables that keep what was replaced: `<table>__history` beside a record table, and one beside each of its link tables.

A version holds from `_valid_from` up to, and without, `_valid_to`. Versions of one record never overlap. The one that is
stored in the record table itself has no end yet; it began where its last predecessor ended, else as `began` says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    case,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from mirror.model import layout as model
from mirror.model.cells import canonical
from mirror.model.layout import MAX_IDENTIFIER_BYTES, Layout
from mirror.model.schema import Kind
from mirror.store.catalogue import stored_columns
from mirror.store.column_types import StampText, column_type
from mirror.store.record_tables import add_column, describe, present_tables, primary_key_name, short_digest
from mirror.store.tables import record_type as types

SUFFIX = "__history"
SPAN = ("_valid_from", "_valid_to")


@dataclass(frozen=True, slots=True)
class HistoryTables:
    """The tables for the replaced versions of one record type.

    Attributes:
        table: the columns of the record table but `_dirty`, and SPAN.
        links: field -> the columns of its link table, and SPAN.
    """

    table: Table
    links: Mapping[str, Table]


def history_tables(layout: Layout, columns: Iterable[model.Column] | None = None) -> HistoryTables:
    """Return the tables for the versions of `layout`, for statements; nothing is created.

    Args:
        columns: those to speak of; None for all of the layout.
    """
    target, metadata = describe(layout), MetaData()
    taken = {each.name for each in layout.links}
    own = [_plain(each.name, column_type(each.kind)) for each in (layout.columns if columns is None else columns)]
    head = [_plain(name, target.table.c[name].type) for name in (*model.HEAD, "_synced_at")]
    name = history_name(layout.table, taken)
    table = Table(name, metadata, *head, *own, *_span(), _key(name, "source", "id", "_valid_from"))
    links = {field: _link_history(link, taken, metadata) for field, link in target.links.items()}
    return HistoryTables(table, links)


def _link_history(link: Table, taken: Collection[str], metadata: MetaData) -> Table:
    name = history_name(link.name, taken)
    own = [_plain(each.name, each.type) for each in link.columns]
    return Table(name, metadata, *own, *_span(), _key(name, "source", "id", "_valid_from", "position"))


def history_name(table: str, taken: Collection[str] = ()) -> str:
    """Return the name of the table with the history of `table`.

    Args:
        taken: names of link tables: a tracker may have a field that is called History.
    """
    wanted = table + SUFFIX
    if len(wanted) <= MAX_IDENTIFIER_BYTES and wanted not in taken:
        return wanted
    end = f"{SUFFIX}_{short_digest(table)}"
    return table[: MAX_IDENTIFIER_BYTES - len(end)].rstrip("_") + end


def began(rows: FromClause) -> ColumnElement[Any]:
    """Return when the stored version of a record began, as far as its row tells.

    That is the tracker's own change time, or where it has none, or one that is yet to come, when the row was stored.
    """
    return case((rows.c._changed_at < rows.c._synced_at, rows.c._changed_at), else_=rows.c._synced_at)


def began_text(row: Mapping[str, Any]) -> str:
    """Return the same of a row in memory, as text."""
    stamps = (instant_or_none(row.get(name)) for name in ("_changed_at", "_synced_at"))
    return min(each for each in stamps if each is not None)


def instant_or_none(value: object) -> str | None:
    """Return an instant in the form of columns; None when it is none."""
    try:
        found: str | None = canonical(Kind.TIMESTAMP, value)
    except ValueError:
        return None
    return found


def kept_types(connection: Connection, source: str) -> dict[str, datetime]:
    """Return the types of `source` whose history is kept, each with the instant since when."""
    query = select(types.c.type, types.c.history_since)
    rows = connection.execute(query.where(types.c.source == source, types.c.history_since.is_not(None)))
    return {row.type: row.history_since for row in rows}


def is_kept(connection: Connection, layout: Layout) -> bool:
    """Return whether the history of a type is kept."""
    this = (types.c.source == layout.source, types.c.type == layout.type.name)
    return connection.scalar(select(types.c.history_since).where(*this)) is not None


def keep(connection: Connection, source: str, layouts: Mapping[str, Layout], wanted: Collection[str], now: datetime) -> None:
    """Keep the history of these types of a source from now on, and of no others; what was kept of those stays."""
    known = kept_types(connection, source)
    for name in sorted(set(wanted) - known.keys()):
        create_or_grow(connection, layouts[name])
    of_source = update(types).where(types.c.source == source)
    new, ended = sorted(set(wanted) - known.keys()), sorted(known.keys() - set(wanted))
    connection.execute(of_source.where(types.c.type.in_(new)).values(history_since=now))
    connection.execute(of_source.where(types.c.type.in_(ended)).values(history_since=None))


def follow(connection: Connection, source: str, layouts: Mapping[str, Layout]) -> None:
    """Give the tables of types whose history is kept the columns and link tables that their catalogue has got."""
    for name in kept_types(connection, source).keys() & layouts.keys():
        create_or_grow(connection, layouts[name])


def create_or_grow(connection: Connection, layout: Layout) -> None:
    """Create the history tables of `layout` that are missing, and add the columns that are."""
    wanted = history_tables(layout, whole_columns(connection, layout))
    present = present_tables(connection, [wanted.table.name, *(each.name for each in wanted.links.values())])
    for each in (wanted.table, *wanted.links.values()):
        if each.name not in present:
            each.create(connection)
    for column in wanted.table.columns if wanted.table.name in present else ():
        if column.name not in present[wanted.table.name]:
            add_column(connection, column)


def whole_columns(connection: Connection, layout: Layout) -> list[model.Column]:
    """Return every column that may hold values of this type, those of vanished fields included."""
    known = stored_columns(connection, layout.source, layout.type.name)
    return [each for each in known if isinstance(each, model.Column)]


def own_columns(kept: Table) -> list[str]:
    """Return the names of those columns of a history table that its record or link table has as well."""
    return [each.name for each in kept.columns if each.name not in SPAN]


def _plain(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    return Column(name, kind, nullable=name not in ("source", "id", "position"))


def _span() -> list[Column[Any]]:
    return [Column(name, StampText(), nullable=False) for name in SPAN]


def _key(table: str, *columns: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint(*columns, name=primary_key_name(table))
