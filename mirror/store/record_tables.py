"""One table for each tracker and record type, the source is a column; columns are only ever added."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    inspect,
)
from sqlalchemy.schema import CreateColumn, CreateIndex
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from mirror.model import layout as model
from mirror.model.layout import Layout, LinkTable
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.store.column_types import JsonText, StampText, column_type
from mirror.store.work_item_select import numbered_key


@dataclass(frozen=True, slots=True)
class RecordTable:
    """A layout as SQLAlchemy tables.

    Attributes:
        table: its columns begin as a row does: HEAD, then the layout's; _synced_at and _dirty follow.
        links: field name -> link table.
        name_column: the column whose value other records show when they refer to this one; None when there is none.
        name_position: where that value stands in a row; None when there is none.
    """

    layout: Layout
    table: Table
    links: Mapping[str, Table]
    name_column: str | None
    name_position: int | None


@lru_cache(maxsize=1024)
def describe(layout: Layout) -> RecordTable:
    """Return the tables of `layout`, for statements; nothing is created."""
    metadata = MetaData()
    table = Table(layout.table, metadata, *_columns(layout.columns))
    links = {each.field: Table(each.name, metadata, *_link_columns(each.kind)) for each in layout.links}
    wanted = (each.name for each in layout.columns if is_name(layout, each))
    name = next(wanted, None)
    position = None if name is None else list(table.columns.keys()).index(name)
    return RecordTable(layout, table, links, name, position)


def is_name(layout: Layout, column: model.Column) -> bool:
    """Return whether `column` holds what other records show when they refer to one of this layout."""
    return column.field == layout.type.name_field and column.part in (Part.VALUE, Part.NAME)


def create_or_grow(connection: Connection, layout: Layout, present: Mapping[str, frozenset[str]]) -> bool:
    """Create the tables of `layout` that are missing and add the columns that are; return whether there were any.

    Args:
        present: table name -> column names, as the database has them now.
    """
    wanted = _definition(layout)
    missing = [each for each in wanted.columns if each.name not in present.get(layout.table, ())]
    if layout.table not in present:
        wanted.create(connection)
    else:
        for each in missing:
            add_column(connection, each)
    links = [each for each in layout.links if each.name not in present]
    for link in links:
        _link_definition(link).create(connection)
    return bool(missing or links)


def add_column(connection: Connection, column: Column[Any]) -> None:
    """Add a column to its table, which lacks it."""
    table = connection.dialect.identifier_preparer.format_table(column.table)
    definition = CreateColumn(column).compile(dialect=connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {definition}")


def present_tables(connection: Connection, names: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the columns of those tables among `names` that exist."""
    inspector = inspect(connection)
    there = set(inspector.get_table_names()).intersection(names)
    return {name: frozenset(str(each["name"]) for each in inspector.get_columns(name)) for name in there}


def create_indexes(connection: Connection, layout: Layout, keyed_types: frozenset[str]) -> None:
    """Create the secondary indexes of `layout` where missing; meant to run after the first load, which they slow down.

    There are few: link tables by target, and rows by change time (what is new), by key (how people name a record, also where
    the view `work_item` makes it of the number), and by those references that lead to records with keys of their own
    (parents, work products), through which reports join and renames spread. References to the few users, projects or
    iterations have none: reading the table is as quick for them.

    Args:
        keyed_types: names of this source's types that have a key field.
    """
    table = describe(layout).table
    for name in _indexed(layout, keyed_types):
        label = index_name(layout.table, name)
        _index(connection, label, table.c.source, table.c[name])
    key = None if layout.type.work_item is None else numbered_key(layout, table.c.id)
    if key is not None:
        _index(connection, index_name(layout.table, "key of work_item"), table.c.source, key)
    for link in layout.links:
        if link.kind is Kind.LINKS:
            table = describe(layout).links[link.field]
            label = index_name(link.name, "target_id")
            _index(connection, label, table.c.source, table.c.target_id)


def _index(connection: Connection, name: str, *keys: ColumnElement[Any]) -> None:
    """Create an index where missing. The database tells; SQLAlchemy does not see one on an expression in SQLite."""
    connection.execute(CreateIndex(Index(name, *keys), if_not_exists=True))


def index_name(table: str, *columns: str) -> str:
    """Return the name of the index of `table` on `columns`: unique in the database and short enough."""
    return f"ix_{table[:40].rstrip('_')}_{short_digest('.'.join((table, *columns)))}"


def short_digest(text: str) -> str:
    """Return eight hexadecimal digits that tell `text` from others."""
    return hashlib.blake2s(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def _indexed(layout: Layout, keyed_types: frozenset[str]) -> list[str]:
    names = ["_changed_at"]
    for each in layout.columns:
        field = layout.type.field(each.field)
        is_key = each.field == layout.type.key_field and each.part is Part.VALUE
        is_join = (
            field is not None and each.part is Part.ID and (field.polymorphic or not keyed_types.isdisjoint(field.targets))
        )
        if is_key or is_join:
            names.append(each.name)
    return names


def _head() -> list[Column[object]]:
    types: tuple[TypeEngine[Any], ...] = (Text(), BigInteger(), Text(), StampText(), JsonText())
    return [
        cast("Column[object]", Column(name, kind, nullable=name not in ("source", "id")))
        for name, kind in zip(model.HEAD, types, strict=True)
    ]


def _tail() -> list[Column[object]]:
    return [
        cast("Column[object]", Column("_synced_at", StampText(), nullable=False)),
        cast("Column[object]", Column("_dirty", Boolean(), nullable=False, server_default=false())),
    ]


def _columns(columns: Iterable[model.Column]) -> list[Column[object]]:
    own = [cast("Column[object]", Column(each.name, column_type(each.kind))) for each in columns]
    return [*_head(), *own, *_tail()]


def _definition(layout: Layout) -> Table:
    """Return the table as it is created: what every reading needs first, long JSON last."""
    *head, extra = _head()
    own = _columns(layout.columns)[len(model.HEAD) : -2]
    key = PrimaryKeyConstraint("source", "id", name=primary_key_name(layout.table))
    return Table(layout.table, MetaData(), *head, *_tail(), *own, extra, key)


def _link_columns(kind: Kind) -> list[Column[object]]:
    columns = [Column("source", Text()), Column("id", BigInteger()), Column("position", Integer())]
    if kind is Kind.VALUES:
        columns.append(Column("value", Text()))
    else:
        columns += [Column("target_id", BigInteger()), Column("target_name", Text()), Column("target_type", Text())]
    return cast("list[Column[object]]", columns)


def _link_definition(link: LinkTable) -> Table:
    key = PrimaryKeyConstraint("source", "id", "position", name=primary_key_name(link.name))
    return Table(link.name, MetaData(), *_link_columns(link.kind), key)


def primary_key_name(table: str) -> str:
    """Return the name of the primary key of `table`: unique in the database and short enough."""
    return f"pk_{table[:40].rstrip('_')}_{short_digest(table)}"
