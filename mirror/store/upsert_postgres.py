"""Bulk writing into Postgres: COPY, straight into the table when nothing is there, else by way of a staging table.

COPY parses text itself, so instants, days and numbers pass as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, Connection, Table, Text, bindparam, cast, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import CreateTable

from mirror.model.page import LinkRow, Row
from mirror.store.column_types import JsonText, StampText, instant_text
from mirror.store.record_tables import RecordTable
from mirror.store.upsert import differing_ids, on_conflict, row_columns, staging_table

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class PostgresWriter:
    """Writes the rows of one layout."""

    def __init__(self, target: RecordTable) -> None:
        self.target = target
        self._merge: dict[bool, str] = {}

    def insert(self, connection: Connection, rows: list[Row], *, now: datetime) -> None:
        """Store rows whose ids are not there yet."""
        at = (instant_text(now),)
        statement = _copy(self.target.table, [*row_columns(self.target), "_synced_at"])
        _run_copy(connection, statement, (row + at for row in rows))

    def upsert(self, connection: Connection, rows: list[Row], *, now: datetime, force: bool) -> None:
        """Insert or update rows with distinct ids."""
        if force not in self._merge:
            self._merge[force] = self._compile_merge(force=force)
        self.stage(connection, rows)
        connection.exec_driver_sql(self._merge[force], {"synced_at": instant_text(now)})

    def insert_links(self, connection: Connection, field: str, rows: Sequence[LinkRow]) -> None:
        """Store link rows of owners that have none in this table."""
        table = self.target.links[field]
        head = (self.target.layout.source,)
        _run_copy(connection, _copy(table, list(table.columns.keys())), (head + row for row in rows))

    @cached_property
    def _staging(self) -> Table:
        return staging_table(self.target)

    @cached_property
    def _create(self) -> str:
        return str(CreateTable(self._staging, if_not_exists=True).compile(dialect=_DIALECT))

    def stage(self, connection: Connection, rows: list[Row]) -> None:
        """Fill the staging table with exactly these rows."""
        connection.exec_driver_sql(self._create)
        connection.exec_driver_sql(f"TRUNCATE {self._staging.name}")
        _run_copy(connection, _copy(self._staging, row_columns(self.target)), rows)

    def differing(self, connection: Connection) -> set[int]:
        """Return the ids of staged rows that are stored with other values; json is compared as text."""
        json = [each.name for each in self._staging.columns if isinstance(each.type, JsonText)]
        text_of: dict[str, ColumnElement[Any]] = {}
        for name in json:
            text_of[name] = cast(self.target.table.c[name], Text)
            text_of[f"staging.{name}"] = cast(self._staging.c[name], Text)
        return set(connection.scalars(differing_ids(self.target, self._staging, text_of)))

    def _compile_merge(self, *, force: bool) -> str:
        names = row_columns(self.target)
        synced_at: BindParameter[str] = bindparam("synced_at", type_=StampText())
        rows = select(*(self._staging.c[name] for name in names), synced_at)
        statement = postgresql.insert(self.target.table).from_select([*names, "_synced_at"], rows)
        return str(on_conflict(self.target, statement, force=force).compile(dialect=_DIALECT))


def _copy(table: Table, names: Iterable[str]) -> str:
    columns = ", ".join(_name(table.c[name]) for name in names)
    return f"COPY {_DIALECT.identifier_preparer.format_table(table)} ({columns}) FROM STDIN"


def _name(column: Column[Any]) -> str:
    return str(_DIALECT.identifier_preparer.quote(column.name))


def _run_copy(connection: Connection, statement: str, rows: Iterable[Row]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        write = copy.write_row
        for row in rows:
            write(row)
