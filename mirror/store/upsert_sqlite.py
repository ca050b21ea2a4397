"""Bulk writing into SQLite: one compiled statement and `executemany` over the tuples as they come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Insert, Select, Table, Text, literal, literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from mirror.model.page import LinkRow, Row
from mirror.store.column_types import instant_text
from mirror.store.record_tables import RecordTable
from mirror.store.upsert import differing_ids, on_conflict, row_columns, staging_table

_DIALECT = sqlite.dialect()
_SYNCED_AT = "@synced_at@"  # stands in the compiled text for the instant, which no row carries


class SqliteWriter:
    """Writes the rows of one layout."""

    def __init__(self, target: RecordTable) -> None:
        self.target = target
        self._upsert = {force: _compile_upsert(target, force=force) for force in (False, True)}
        self._links: dict[str, str] = {}
        self._staging = staging_table(target)
        self._stage = _compile(sqlite.insert(self._staging), row_columns(target))

    def insert(self, connection: Connection, rows: list[Row], *, now: datetime) -> None:
        """Store rows whose ids are not there yet; the statement is the same, the check costs nothing."""
        self.upsert(connection, rows, now=now, force=False)

    def upsert(self, connection: Connection, rows: list[Row], *, now: datetime, force: bool) -> None:
        """Insert or update rows."""
        connection.exec_driver_sql(self._upsert[force].replace(_SYNCED_AT, instant_text(now)), rows)

    def insert_links(self, connection: Connection, field: str, rows: Sequence[LinkRow]) -> None:
        """Store link rows of owners that have none in this table."""
        if field not in self._links:
            self._links[field] = _compile_links(self.target.links[field], self.target.layout.source)
        connection.exec_driver_sql(self._links[field], list(rows))

    def stage(self, connection: Connection, rows: list[Row]) -> None:
        """Fill the staging table with exactly these rows."""
        connection.execute(CreateTable(self._staging, if_not_exists=True))
        connection.execute(self._staging.delete())
        connection.exec_driver_sql(self._stage, rows)

    def differing(self, connection: Connection) -> set[int]:
        """Return the ids of staged rows that are stored with other values."""
        return set(connection.scalars(self._differing()))

    def _differing(self) -> Select[tuple[int]]:
        return differing_ids(self.target, self._staging, {})


def _compile_upsert(target: RecordTable, *, force: bool) -> str:
    statement = sqlite.insert(target.table).values(_synced_at=literal_column(f"'{_SYNCED_AT}'"))
    return _compile(on_conflict(target, statement, force=force), [*row_columns(target), "_synced_at"])


def _compile_links(table: Table, source: str) -> str:
    quoted = literal(source, Text()).compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})
    return _compile(sqlite.insert(table).values(source=literal_column(str(quoted))), list(table.columns.keys()))


def _compile(statement: Insert, names: list[str]) -> str:
    return str(statement.compile(dialect=_DIALECT, column_keys=cast("Sequence[str]", names)))
