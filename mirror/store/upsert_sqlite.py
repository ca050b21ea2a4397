"""Bulk writing into SQLite: one compiled statement and `executemany` over the tuples as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import cast

from sqlalchemy import Connection, Insert, Select, Table, Text, literal, literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from mirror.model.page import LinkRow, Row
from mirror.store.column_types import instant_text
from mirror.store.record_tables import RecordTable
from mirror.store.upsert import differing_ids, on_conflict, row_columns, staging_table

_DIALECT = sqlite.dialect()
_MOST_VALUES = 512  # in one statement; more was not quicker (30 columns, SQLite 3.40)
_FEWEST_ROWS = 8  # in one statement; below, it was slower than one by one (150 columns)
_SYNCED_AT = "@synced_at@"  # stands in the compiled text for the instant, which no row carries


class SqliteWriter:
    """Writes the rows of one layout."""

    def __init__(self, target: RecordTable) -> None:
        self.target = target
        self._upsert: dict[bool, _Statement] = {}
        self._links: dict[str, _Statement] = {}

    def insert(self, connection: Connection, rows: list[Row], *, now: datetime) -> None:
        """Store rows whose ids are not there yet; the statement is the same, the check costs nothing."""
        self.upsert(connection, rows, now=now, force=False)

    def upsert(self, connection: Connection, rows: list[Row], *, now: datetime, force: bool) -> None:
        """Insert or update rows."""
        if force not in self._upsert:
            self._upsert[force] = _compile_upsert(self.target, force=force)
        statement = self._upsert[force]
        at = instant_text(now)
        for several, values in statement.batches(rows):
            connection.exec_driver_sql(several.replace(_SYNCED_AT, at), values)

    def insert_links(self, connection: Connection, field: str, rows: Sequence[LinkRow]) -> None:
        """Store link rows of owners that have none in this table."""
        if field not in self._links:
            self._links[field] = _compile_links(self.target.links[field], self.target.layout.source)
        for several, values in self._links[field].batches(rows):
            connection.exec_driver_sql(several, values)

    @cached_property
    def _staging(self) -> Table:
        return staging_table(self.target)

    @cached_property
    def _stage(self) -> str:
        return _compile(sqlite.insert(self._staging), row_columns(self.target))

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


@dataclass(frozen=True, slots=True)
class _Statement:
    """An INSERT, in two forms.

    Rows with few values go several in one statement: that saves much of what SQLite does for each statement, above all
    where a table has triggers. With many values it makes no difference.

    Attributes:
        one: for one row.
        several: for `count` rows.
    """

    one: str
    several: str
    count: int

    @classmethod
    def of(cls, one: str, group: str, width: int) -> _Statement:
        """Return both forms.

        Args:
            group: the part in parentheses after VALUES.
            width: how many values a row has.
        """
        count = _MOST_VALUES // width
        before, _, after = one.partition(group)
        return cls(one, before + ", ".join([group] * count) + after, count if count >= _FEWEST_ROWS else 1)

    def batches(self, rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
        """Yield statements with what executemany is to be given for them."""
        whole = len(rows) - len(rows) % self.count if self.count > 1 else 0
        if whole:
            groups = (rows[start : start + self.count] for start in range(0, whole, self.count))
            yield self.several, [tuple(chain.from_iterable(each)) for each in groups]
        if whole < len(rows):
            yield self.one, list(rows[whole:])


def _compile_upsert(target: RecordTable, *, force: bool) -> _Statement:
    statement = sqlite.insert(target.table).values(_synced_at=literal_column(f"'{_SYNCED_AT}'"))
    names = row_columns(target)
    text = _compile(on_conflict(target, statement, force=force), [*names, "_synced_at"])
    return _Statement.of(text, f"({'?, ' * len(names)}'{_SYNCED_AT}')", len(names))


def _compile_links(table: Table, source: str) -> _Statement:
    quoted = literal(source, Text()).compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})
    names = list(table.columns.keys())
    text = _compile(sqlite.insert(table).values(source=literal_column(str(quoted))), names)
    return _Statement.of(text, f"({quoted}{', ?' * (len(names) - 1)})", len(names) - 1)


def _compile(statement: Insert, names: list[str]) -> str:
    return str(statement.compile(dialect=_DIALECT, column_keys=cast("Sequence[str]", names)))
