"""Has the database itself turn SQL by any client into changes of the queue, and refuse what it cannot.

The triggers are made with the tables, and for all tables when a database is first opened by a mirror whose triggers are
others. They let our own transactions pass, which Database.write marks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select

from mirror.model.layout import LinkTable
from mirror.model.schema import Kind
from mirror.store import capture_postgres, capture_sqlite
from mirror.store.capture_words import Watched
from mirror.store.tables import field as fields
from mirror.store.tables import note
from mirror.store.tables import record_type as types

VERSION = "2"  # of the triggers; with another one in the database, all are made anew when it is opened

_KEY = "triggers"  # of the note that has the version, of no source


def is_current(connection: Connection) -> bool:
    """Return whether all record tables have the triggers of this program."""
    return connection.scalar(select(note.c.value).where(note.c.source == "", note.c.key == _KEY)) == VERSION


def install(connection: Connection) -> None:
    """Put the triggers on all record tables there are, in the place of those of another version."""
    clear(connection)
    if not _is_sqlite(connection):
        capture_postgres.prepare(connection)
    watch(connection, set(connection.scalars(select(types.c.table_name))))
    connection.execute(insert(note).values(source="", key=_KEY, value=VERSION))


def clear(connection: Connection) -> None:
    """Take all triggers away; the next one who opens the database puts them back."""
    (capture_sqlite if _is_sqlite(connection) else capture_postgres).clear(connection)
    connection.execute(delete(note).where(note.c.source == "", note.c.key == _KEY))


def watch(connection: Connection, tables: Collection[str]) -> None:
    """Put the triggers on record tables that are new, or have new columns or link tables; the catalogue has them."""
    put = capture_sqlite.watch if _is_sqlite(connection) else capture_postgres.watch
    if tables:
        put(connection, _watched(connection, tables))


def _watched(connection: Connection, tables: Iterable[str]) -> list[Watched]:
    type_of = {row.table_name: row.type for row in connection.execute(select(types.c.table_name, types.c.type))}
    links: dict[str, dict[str, LinkTable]] = {}
    for row in connection.execute(_links_query()):
        links.setdefault(row.table_name, {})[row.column_name] = LinkTable(row.column_name, Kind(row.column_kind), row.field)
    return [Watched(each, type_of[each], tuple(links.get(each, {}).values())) for each in sorted(tables)]


def _links_query() -> Select[Any]:
    """Return the query for the link tables of all record tables, those of vanished fields included."""
    same = (fields.c.source == types.c.source) & (fields.c.type == types.c.type)
    columns = (types.c.table_name, fields.c.column_name, fields.c.column_kind, fields.c.field)
    query = select(*columns).join_from(fields, types, same).distinct().order_by(fields.c.column_name)
    return query.where(fields.c.column_kind.in_([Kind.LINKS.value, Kind.VALUES.value]))


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
