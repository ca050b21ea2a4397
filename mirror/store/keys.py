"""Reads identities only: which ids of a type are stored, in which revision, and how they divide into ranges.

A record that waits to be deleted on the tracker counts as stored, in the revision that it had here; one that was created
here and is not there yet does not.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, func, select, union_all

from mirror.model.change import Action
from mirror.model.page import KeyRange
from mirror.store.record_tables import RecordTable
from mirror.store.tables import change as changes


def keys(connection: Connection, target: RecordTable, within: KeyRange) -> list[tuple[int, str]]:
    """Return (id, revision) of the stored rows in the range, by ascending id; "" for one that came without a revision."""
    stored, gone = _queries(target, within)
    found = [(row[0], row[1] or "") for row in connection.execute(stored.order_by(target.table.c.id))]
    more = [(row[0], row[1] or "") for row in connection.execute(gone)]
    return sorted(found + more) if more else found


def count(connection: Connection, target: RecordTable, within: KeyRange) -> int:
    """Return how many rows are stored in the range."""
    return sum(connection.execute(each.with_only_columns(func.count())).scalar_one() for each in _queries(target, within))


def boundaries(connection: Connection, target: RecordTable, size: int, within: KeyRange) -> list[KeyRange]:
    """Return ranges that together cover `within`, each with `size` stored ids; the last has 1 to `size`, or 0 if alone."""
    known = union_all(*_queries(target, within)).subquery()
    place = func.row_number().over(order_by=known.c.id).label("place")
    numbered = select(known.c.id, place).subquery()
    last = select(func.max(known.c.id)).scalar_subquery()
    cut = (numbered.c.place % size == 0) & (numbered.c.id != last)
    ends = list(connection.scalars(select(numbered.c.id).where(cut).order_by(numbered.c.id)))
    return [KeyRange(*each) for each in zip([within.after, *ends], [*ends, within.until], strict=True)]


def deleted_here(source: str, type_name: str) -> Select[Any]:
    """Return the query for (id, revision) of the records of a type that wait to be deleted on the tracker."""
    of_type = (changes.c.source == source, changes.c.type == type_name)
    return select(changes.c.record_id.label("id"), changes.c.base_revision.label("_revision")).where(
        *of_type, changes.c.record_id >= 0, changes.c.action == Action.DELETE.value
    )


def _queries(target: RecordTable, within: KeyRange) -> tuple[Select[Any], Select[Any]]:
    """Return the queries for ids and revisions in the range: of the table, and of what waits to be deleted.

    No id on the tracker is negative, so a range from 0 has no other lower end.
    """
    layout, table = target.layout, target.table
    stored = select(table.c.id, table.c._revision).where(table.c.source == layout.source)
    stored = stored.where(table.c.id > within.after if within.after else table.c.id >= 0)
    gone = deleted_here(layout.source, layout.type.name)
    if within.after:
        gone = gone.where(changes.c.record_id > within.after)
    if within.until is not None:
        stored, gone = stored.where(table.c.id <= within.until), gone.where(changes.c.record_id <= within.until)
    return stored, gone
