"""Compares whole records with what is stored, by storing them in a transaction that is rolled back.

So a value counts as different exactly when a sync would write it: numbers, instants, JSON and whatever else a column
changes on its way in are compared as they lie in the database. Edits that wait are lifted first: they are no drift.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select, type_coerce
from sqlalchemy.types import NullType

from mirror.model.page import Page
from mirror.model.verification import Difference
from mirror.store import queue_rows
from mirror.store.chunks import chunked
from mirror.store.database import Database, is_data_error
from mirror.store.overlay import lift
from mirror.store.record_tables import RecordTable
from mirror.store.records import ID, MAX_ID, Outcome, Storing
from mirror.store.upsert import Writer, row_columns


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a page of records compares with what is stored; a record that is in none of these is the same.

    Attributes:
        unknown: ids that are not stored.
        differing: id -> what differs, of those that are stored; never without a difference.
        bad: id -> why it can be no row.
    """

    unknown: frozenset[int] = frozenset()
    differing: Mapping[int, tuple[Difference, ...]] = field(default_factory=dict)
    bad: Mapping[int, str] = field(default_factory=dict)


def compare(database: Database, writer: Writer, page: Page, *, now: datetime) -> Comparison:
    """Compare `page` with what is stored. Nothing is written."""
    with database.write() as connection:
        queue_rows.hold(connection, [page.layout.source], alone=False)
        with connection.begin_nested() as savepoint:
            ids = [row[ID] for row in page.rows if isinstance(row[ID], int) and abs(row[ID]) <= MAX_ID]
            lift(connection, writer.target, ids, now=now)
            storing = Storing(connection, writer, now, force=True)
            outcome, _ = _tried(storing, page, ())
            before = _contents(connection, writer.target, outcome.updated)
            _, after = _tried(storing, page, outcome.updated) if outcome.updated else (outcome, {})
            savepoint.rollback()
    found = {each: _differences(before[each], after[each]) for each in outcome.updated}
    differing = {each: differences for each, differences in found.items() if differences}
    bad = {each.id: each.reason for each in (*page.bad, *outcome.bad) if each.id is not None}
    return Comparison(frozenset(outcome.inserted), differing, bad)


_Content = dict[str, Any]


def _tried(storing: Storing, page: Page, wanted: Collection[int]) -> tuple[Outcome, dict[int, _Content]]:
    """Store `page`, look at the records in `wanted`, and undo it."""
    try:
        return _undone(storing, storing.page, page, wanted)
    except Exception as error:
        if not is_data_error(error):
            raise
    return _undone(storing, storing.page_carefully, page, wanted)


def _undone(
    storing: Storing, store: Callable[[Page], Outcome], page: Page, wanted: Collection[int]
) -> tuple[Outcome, dict[int, _Content]]:
    with storing.connection.begin_nested() as savepoint:
        outcome = store(page)
        found = _contents(storing.connection, storing.writer.target, wanted)
        savepoint.rollback()
    return outcome, found


def _contents(connection: Connection, target: RecordTable, ids: Collection[int]) -> dict[int, _Content]:
    """Return id -> name of the column or link table -> what is in it, as the database gives it."""
    found: dict[int, _Content] = {}
    names = [name for name in row_columns(target) if name not in ("source", "id")]
    for chunk in chunked(ids):
        for key, *values in connection.execute(_query(target.table, ["id", *names], target, chunk)):
            found[key] = dict(zip(names, values, strict=True))
        for table in target.links.values():
            for each in chunk:
                found[each][table.name] = []
            columns = list(table.columns.keys())[1:]
            for key, _position, *values in connection.execute(_query(table, columns, target, chunk)):
                found[key][table.name].append(_shown(values))
    return found


def _query(table: Table, names: list[str], target: RecordTable, ids: list[int]) -> Any:
    columns = [type_coerce(table.c[name], NullType()) for name in names]
    query = select(*columns).where(table.c.source == target.layout.source, table.c.id.in_(ids))
    return query.order_by(table.c.position) if "position" in table.c else query


def _shown(values: list[Any]) -> object:
    """Return a link as one value: the value itself, or the target's id, name and, where it is said, type."""
    if len(values) == 1:
        return values[0]
    return " ".join(str(each) for each in values if each is not None)


def _differences(before: _Content, after: _Content) -> tuple[Difference, ...]:
    return tuple(Difference(name, here, after[name]) for name, here in before.items() if here != after[name])
