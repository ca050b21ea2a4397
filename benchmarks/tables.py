"""Bare tables and bare writers, without a layer between: what the hand-written loaders put their rows into.

The tables have the columns of mirror's own, its bookkeeping included, and its link tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import psycopg

from benchmarks.shape import Column, columns, snake_case, tag_attributes

TABLE = "rally_hierarchical_requirement"
SOURCE = "bench"

Row = tuple[Any, ...]
"""source, id, _revision, _changed_at, then the columns of `shape.columns()`."""

_HEAD = ("source text NOT NULL", "id bigint NOT NULL", "_revision text", "_changed_at {instant}")
_TAIL = ("_synced_at {instant}", "_dirty boolean", "_extra {json}")
_SQLITE = {
    "text": "TEXT",
    "integer": "BIGINT",
    "decimal": "NUMERIC",
    "boolean": "BOOLEAN",
    "instant": "TEXT",
    "json": "TEXT",
}
_POSTGRES = {
    "text": "text",
    "integer": "bigint",
    "decimal": "numeric",
    "boolean": "boolean",
    "instant": "timestamptz",
    "json": "jsonb",
}
_LINK = "source, id, position, target_id, target_name, target_type"


class Writer(Protocol):
    """Puts one page into the database, in one transaction."""

    def write(self, rows: Sequence[Row], links: Mapping[str, Sequence[Row]]) -> None: ...

    def close(self) -> None: ...


def open_writer(database: str) -> Writer:
    """Return a writer with fresh tables for `sqlite:///PATH` or a libpq address."""
    if database.startswith("sqlite:///"):
        return SQLiteWriter(database.removeprefix("sqlite:///"))
    return PostgresWriter(database)


class SQLiteWriter:
    """`executemany` upserts; write-ahead log, synchronous NORMAL."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        for each in definitions(_SQLITE):
            self._connection.execute(each)
        self._upsert = f"INSERT INTO {TABLE} ({_names()}) VALUES ({_marks()}) {_on_conflict()}"

    def write(self, rows: Sequence[Row], links: Mapping[str, Sequence[Row]]) -> None:
        run = self._connection
        run.execute("BEGIN")
        run.executemany(self._upsert, rows)
        for name, members in links.items():
            run.executemany(f"INSERT OR REPLACE INTO {link_table(name)} ({_LINK}) VALUES (?, ?, ?, ?, ?, ?)", members)
        run.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class PostgresWriter:
    """COPY into a staging table, one INSERT … ON CONFLICT from there."""

    def __init__(self, address: str) -> None:
        self._connection = psycopg.connect(address.replace("+psycopg", ""), autocommit=True)
        for each in definitions(_POSTGRES):
            self._connection.execute(each)
        names = ", ".join([TABLE, *(link_table(each.name) for each in tag_attributes())])
        for each in names.split(", "):
            self._connection.execute(f"CREATE TEMPORARY TABLE staging_{each} (LIKE {each}) ON COMMIT DELETE ROWS")

    def write(self, rows: Sequence[Row], links: Mapping[str, Sequence[Row]]) -> None:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            self._merge(cursor, (TABLE, _names(), _on_conflict()), rows)
            for name, members in links.items():
                rule = "ON CONFLICT (source, id, position) DO UPDATE SET target_id = excluded.target_id"
                self._merge(cursor, (link_table(name), _LINK, rule), members)

    def _merge(self, cursor: psycopg.Cursor[Any], into: tuple[str, str, str], rows: Sequence[Row]) -> None:
        table, names, rule = into
        with cursor.copy(f"COPY staging_{table} ({names}) FROM STDIN") as copy:
            for each in rows:
                copy.write_row(each)
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM staging_{table} {rule}")

    def close(self) -> None:
        self._connection.close()


def link_table(name: str) -> str:
    """Return the link table of a many-to-many attribute."""
    return f"{TABLE}__{snake_case(name)}"


def definitions(types: Mapping[str, str]) -> list[str]:
    """Return the CREATE TABLE statements, with the column types of one database."""
    head = [each.format_map(types) for each in _HEAD]
    tail = [each.format_map(types) for each in _TAIL]
    body = [f"{each.name} {types[each.kind]}" for each in columns()]
    found = [f"CREATE TABLE {TABLE} ({', '.join([*head, *body, *tail])}, PRIMARY KEY (source, id))"]
    for each in tag_attributes():
        found.append(
            f"CREATE TABLE {link_table(each.name)} (source text NOT NULL, id bigint NOT NULL, position bigint NOT NULL, "
            "target_id bigint, target_name text, target_type text, PRIMARY KEY (source, id, position))"
        )
    return found


def written_columns() -> tuple[Column, ...]:
    """Return the columns a row carries behind its head."""
    return columns()


def _column_names() -> list[str]:
    return ["source", "id", "_revision", "_changed_at", *(each.name for each in written_columns())]


def _names() -> str:
    return ", ".join(_column_names())


def _marks() -> str:
    return ", ".join("?" * len(_column_names()))


def _on_conflict() -> str:
    changed = ", ".join(f"{each} = excluded.{each}" for each in _column_names()[2:])
    return f"ON CONFLICT (source, id) DO UPDATE SET {changed}"
