"""Reads identities only: which ids of a type are stored, in which revision, and how they divide into ranges."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, select

from mirror.model.page import KeyRange
from mirror.store.record_tables import RecordTable


def keys(connection: Connection, target: RecordTable, within: KeyRange) -> list[tuple[int, str]]:
    """Return (id, revision) of the stored rows in the range, by ascending id."""
    table = target.table
    query = select(table.c.id, table.c._revision).where(*_within(target, within)).order_by(table.c.id)
    return [(row[0], row[1]) for row in connection.execute(query)]


def count(connection: Connection, target: RecordTable, within: KeyRange) -> int:
    """Return how many rows are stored in the range."""
    query = select(func.count()).select_from(target.table).where(*_within(target, within))
    return connection.execute(query).scalar_one()


def boundaries(connection: Connection, target: RecordTable, size: int, within: KeyRange) -> list[KeyRange]:
    """Return ranges that together cover `within`, each with `size` stored ids; the last has 1 to `size`, or 0 if alone."""
    table = target.table
    place = func.row_number().over(order_by=table.c.id).label("place")
    numbered = select(table.c.id, place).where(*_within(target, within)).subquery()
    last = select(func.max(table.c.id)).where(*_within(target, within)).scalar_subquery()
    cut = (numbered.c.place % size == 0) & (numbered.c.id != last)
    ends = list(connection.scalars(select(numbered.c.id).where(cut).order_by(numbered.c.id)))
    return [KeyRange(*each) for each in zip([within.after, *ends], [*ends, within.until], strict=True)]


def _within(target: RecordTable, keys: KeyRange) -> list[ColumnElement[bool]]:
    table = target.table
    conditions: list[ColumnElement[bool]] = [table.c.source == target.layout.source]
    if keys.after:
        conditions.append(table.c.id > keys.after)
    return conditions if keys.until is None else [*conditions, table.c.id <= keys.until]
